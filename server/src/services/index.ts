import { createAssetService } from './asset';
import { createAuditService } from './audit';
import { createAuditLogService } from './audit-log';
import { createEntitlementService } from './entitlement';
import { createExternalStreamersService } from './external-streamers';
import { createFilmIntakeService } from './film-intake';
import { createIntrospectionService } from './introspection';
import { createKeysService } from './keys';
import { createMediaFileService } from './media-file';
import { createMediaFolderService } from './media-folder';
import { createPlaybackSessionService } from './playback-session';
import { createPlaybackTokenService } from './playback-token';
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
import { createSubjectDataService } from './subject-data';
import { createSyncService } from './sync';
import { createUploadRoutingService } from './upload-routing';
import { createVideoService } from './video';

export const services = {
  asset: createAssetService,
  audit: createAuditService,
  'audit-log': createAuditLogService,
  'external-streamers': createExternalStreamersService,
  'film-intake': createFilmIntakeService,
  'media-file': createMediaFileService,
  'media-folder': createMediaFolderService,
  'resumable-upload': createResumableUploadService,
  storage: createStorageService,
  'storage-care': createStorageCareService,
  'upload-routing': createUploadRoutingService,
  entitlement: createEntitlementService,
  introspection: createIntrospectionService,
  keys: createKeysService,
  'playback-session': createPlaybackSessionService,
  'playback-token': createPlaybackTokenService,
  'rate-limits': createRateLimitsService,
  retention: createRetentionService,
  revocation: createRevocationService,
  'role-policies': createRolePoliciesService,
  'session-directory': createSessionDirectoryService,
  'session-overview': createSessionOverviewService,
  streamer: createStreamerService,
  'subject-data': createSubjectDataService,
  sync: createSyncService,
  video: createVideoService,
};

export type Services = { [Name in keyof typeof services]: ReturnType<(typeof services)[Name]> };
