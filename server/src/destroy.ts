import type { Core } from '@strapi/strapi';
import { getService } from './services/get-service';

export async function destroy({ strapi }: { strapi: Core.Strapi }): Promise<void> {
  getService(strapi, 'film-judging').close();
  getService(strapi, 'film-replacement').close();
  await Promise.all([getService(strapi, 'streamer').stop(), getService(strapi, 'ingest-worker').stop()]);
  await getService(strapi, 'personal-data').close();
  await getService(strapi, 'audit').close();
  await getService(strapi, 'events').close();
}
