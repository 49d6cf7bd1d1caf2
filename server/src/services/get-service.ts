import type { Core } from '@strapi/strapi';
import { PLUGIN_ID } from '../../contracts';
import type { Services } from './index';

/** Typed access to this plugin's services. Live state is reached this way only: bundles do not share modules. */
export function getService<Name extends keyof Services>(strapi: Core.Strapi, name: Name): Services[Name] {
  return strapi.plugin(PLUGIN_ID).service(name) as Services[Name];
}
