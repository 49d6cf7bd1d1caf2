import type { Core } from '@strapi/strapi';
import { getService } from './services/get-service';

export async function bootstrap({ strapi }: { strapi: Core.Strapi }): Promise<void> {
  getService(strapi, 'revocation').subscribe();
}
