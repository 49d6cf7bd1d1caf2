import type { Core } from '@strapi/strapi';
import { nameMintRefusals } from './controllers/refusal';
import { limitGraphql } from './graphql';

export function register({ strapi }: { strapi: Core.Strapi }): void {
  limitGraphql(strapi);
  strapi.server.use(nameMintRefusals);
}
