import { createAssetService } from './asset';
import { createAssetOverviewService } from './asset-overview';
import { createAuditService } from './audit';
import { createAuditLogService } from './audit-log';
import { createDoctorService } from './doctor';
import { createEntitlementService } from './entitlement';
import { createEventsService } from './events';
import { createExternalStreamersService } from './external-streamers';
import { createExternalSubjectsService } from './external-subjects';
import { createExternalWorkersService } from './external-workers';
import { createFilmIntakeService } from './film-intake';
import { createFilmJudgingService } from './film-judging';
import { createFilmReplacementService } from './film-replacement';
import { createGuestLinksService } from './guest-links';
import { createIncomingFilmsService } from './incoming-films';
import { createIngestService } from './ingest';
import { createIngestWorkerService } from './ingest-worker';
import { createIntrospectionService } from './introspection';
import { createKeysService } from './keys';
import { createMediaFileService } from './media-file';
import { createMediaFolderService } from './media-folder';
import { createPersonalDataService } from './personal-data';
import { createPlaybackSessionService } from './playback-session';
import { createPlaybackTokenService } from './playback-token';
import { createPostersService } from './posters';
import { createRateLimitsService } from './rate-limits';
import { createResumableUploadService } from './resumable-upload';
import { createRetentionService } from './retention';
import { createRevocationService } from './revocation';
import { createRolePoliciesService } from './role-policies';
import { createSessionDirectoryService } from './session-directory';
import { createSessionOverviewService } from './session-overview';
import { createStorageService } from './storage';
import { createStorageCareService } from './storage-care';
import { createStreamerService } from './streamer';
import { createSyncService } from './sync';
import { createTextTracksService } from './text-tracks';
import { createUploadRoutingService } from './upload-routing';
import { createVideoService } from './video';
import { createVideoPlaybackService } from './video-playback';
import { createWebhooksService } from './webhooks';

export const services = {
  asset: createAssetService,
  'asset-overview': createAssetOverviewService,
  audit: createAuditService,
  'audit-log': createAuditLogService,
  doctor: createDoctorService,
  events: createEventsService,
  'external-streamers': createExternalStreamersService,
  'external-workers': createExternalWorkersService,
  'external-subjects': createExternalSubjectsService,
  'film-intake': createFilmIntakeService,
  'incoming-films': createIncomingFilmsService,
  'film-judging': createFilmJudgingService,
  'film-replacement': createFilmReplacementService,
  'media-file': createMediaFileService,
  'media-folder': createMediaFolderService,
  'resumable-upload': createResumableUploadService,
  storage: createStorageService,
  'storage-care': createStorageCareService,
  'upload-routing': createUploadRoutingService,
  entitlement: createEntitlementService,
  'guest-links': createGuestLinksService,
  ingest: createIngestService,
  'ingest-worker': createIngestWorkerService,
  introspection: createIntrospectionService,
  keys: createKeysService,
  'personal-data': createPersonalDataService,
  'playback-session': createPlaybackSessionService,
  'playback-token': createPlaybackTokenService,
  posters: createPostersService,
  'rate-limits': createRateLimitsService,
  retention: createRetentionService,
  revocation: createRevocationService,
  'role-policies': createRolePoliciesService,
  'session-directory': createSessionDirectoryService,
  'session-overview': createSessionOverviewService,
  streamer: createStreamerService,
  sync: createSyncService,
  'text-tracks': createTextTracksService,
  video: createVideoService,
  'video-playback': createVideoPlaybackService,
  webhooks: createWebhooksService,
};

export type Services = { [Name in keyof typeof services]: ReturnType<(typeof services)[Name]> };
