import type { Core } from '@strapi/strapi';
import { offerPlayback } from './content-api/playback';
import { createMintRefusals } from './controllers/refusal';
import { createUploadAnswers } from './controllers/upload-answer';
import { hideDraftsBehindFiles } from './documents/draft-privacy';
import { guardVideoSources } from './documents/source-rules';
import { limitGraphql } from './graphql/limits';
import { offerPlaybackInGraphql } from './graphql/playback';
import { createInternalRest } from './internal-rest';
import { getService } from './services/get-service';

export function register({ strapi }: { strapi: Core.Strapi }): void {
  // First of all, so that nothing else sees what passes (S21).
  strapi.server.use(getService(strapi, 'streamer').proxyMiddleware);
  strapi.server.use(createInternalRest(strapi));
  limitGraphql(strapi);
  strapi.server.use(createMintRefusals(strapi));
  strapi.server.use(createUploadAnswers(strapi));
  getService(strapi, 'upload-routing').wrapProvider();
  guardVideoSources(strapi);
  hideDraftsBehindFiles(strapi);
  offerPlayback(strapi);
  offerPlaybackInGraphql(strapi);
}
