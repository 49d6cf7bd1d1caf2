import type { Check } from '../examination';
import { adminCsp } from './admin-csp';
import { clock } from './clock';
import { database } from './database';
import { encoder } from './encoder';
import { ffmpeg } from './ffmpeg';
import { ingest } from './ingest';
import { leakHunt } from './leak-hunt';
import { mediaServerPin } from './media-server-pin';
import { nodeVersion } from './node-version';
import { publicAddresses } from './public-addresses';
import { publicDirectory } from './public-directory';
import { publicFilms } from './public-films';
import { rtmp } from './rtmp';
import { runningSite } from './running-site';
import { secret } from './secret';
import { storageDevice } from './storage-device';
import { storagePermissions } from './storage-permissions';
import { storageRoot } from './storage-root';
import { storageSpace } from './storage-space';
import { streamer } from './streamer';

/** In the order in which they are told: this machine, the site's settings, what runs, what leaks. */
export const CHECKS: readonly Check[] = [
  nodeVersion,
  mediaServerPin,
  ffmpeg,
  secret,
  database,
  clock,
  storageRoot,
  storagePermissions,
  storageDevice,
  storageSpace,
  publicAddresses,
  rtmp,
  runningSite,
  streamer,
  ingest,
  encoder,
  adminCsp,
  publicFilms,
  publicDirectory,
  leakHunt,
];
