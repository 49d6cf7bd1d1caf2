import type { Core } from '@strapi/strapi';
import { ASSET_UID, PLAYBACK_SESSION_UID, VIDEO_UID } from './content-types/uids';

interface ShadowCrud {
  disable(): void;
  disableMutations(): void;
}

interface GraphqlExtension {
  shadowCRUD(uid: string): ShadowCrud;
}

/** GraphQL makes a type of every content type; the plugin's own records stay out, and videos are read-only there. */
export function limitGraphql(strapi: Core.Strapi): void {
  const graphql = strapi.plugin('graphql') as { service(name: string): GraphqlExtension } | undefined;
  if (!graphql) return;
  const extension = graphql.service('extension');
  extension.shadowCRUD(ASSET_UID).disable();
  extension.shadowCRUD(PLAYBACK_SESSION_UID).disable();
  extension.shadowCRUD(VIDEO_UID).disableMutations();
}
