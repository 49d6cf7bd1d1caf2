import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import { isUnconfigured } from '../services/playback-token';
import { refuse } from './refusal';

/** Answers 503 `not-configured` where the site lacks what `act` needs, such as a secret; the log says how to mend it. */
export async function ifConfigured(strapi: Core.Strapi, ctx: Context, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!isUnconfigured(error)) throw error;
    strapi.log.error(error.message);
    refuse(ctx, 'not-configured');
  }
}
