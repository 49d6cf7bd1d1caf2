import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { version } from '../../../package.json';
import type { StreamerControl, StreamerSettings } from '../../contracts';
import { configOf } from '../config';
import {
  type ControlKey,
  connectControl,
  controlPath,
  createMemoryCeiling,
  createRecentLines,
  deriveControlKey,
  type ProcessState,
  type RecentLines,
  type ServingStreamer,
  Supervisor,
  sharedLauncher,
  unsharedControlPath,
} from '../supervisor';
import { getService } from './get-service';
import { composeStreamerSettings, type OwnOrigins } from './streamer-settings';

const STARTS = { startSeconds: 1, startTimeoutSeconds: 60, startRetries: 8 };
const BACKOFF = { firstSeconds: 1, capSeconds: 30 };
/** Beyond the time that the streamer itself gives running responses. */
const STOP_MARGIN_SECONDS = 5;

/** `dist/streamer` lies beside `dist/server`. */
function builtStreamer(): string {
  return path.join(__dirname, '../streamer/index.js');
}

export interface ManagedStreamerOptions {
  onState: (state: ProcessState) => void;
  onServing: (streamer: ServingStreamer) => void;
  onSessionEnded: (sessionHash: string) => void;
}

export interface ManagedStreamer {
  supervisor: Supervisor;
  /** Its log, as far as this Strapi has heard it. */
  log: RecentLines;
  /** To be called before each start. Throws `VodError` with a sentence for the operator. */
  prepare(): void;
}

interface Prepared {
  settings: StreamerSettings;
  own: OwnOrigins;
  key: ControlKey;
  file: string;
}

function realStorageRoot(storageRoot: string): string {
  try {
    return realpathSync(storageRoot);
  } catch {
    return storageRoot;
  }
}

/** Looks only: what is there may be the streamer of a Strapi that is just being replaced. */
async function warnOfOthers(strapi: Core.Strapi, key: ControlKey, files: string[]): Promise<void> {
  for (const file of files) {
    const found = await connectControl(file, key, { message: () => {}, closed: () => {} });
    if (found.kind !== 'streamer') continue;
    found.line.close();
    strapi.log.warn(
      'protected-vod: a streamer of this storage runs with other settings or another version; it is not adopted.',
    );
  }
}

function prepare(strapi: Core.Strapi): Prepared {
  const keys = getService(strapi, 'keys').streamerKeys();
  const { settings, own } = composeStreamerSettings(strapi, keys);
  const key = deriveControlKey(keys.credential);
  // What the streamer learns from each Strapi by itself makes no difference between two of them.
  const fingerprint = JSON.stringify({ version, ...settings, internalUrl: null });
  const shared = controlPath(key, realStorageRoot(settings.storageRoot), fingerprint);
  if (shared === null) strapi.log.warn('protected-vod: no private directory for sockets: the streamer is not shared.');
  else void warnOfOthers(strapi, key, shared.others());
  return { settings, own, key, file: shared?.file ?? unsharedControlPath(key) };
}

/**
 * The streamer that this Strapi starts, or shares with others on this machine that agree on secret, storage root,
 * version and settings. With other settings or another version a Strapi runs one of its own; on a fixed port that one
 * is tried again until the other has gone.
 */
export function createManagedStreamer(
  strapi: Core.Strapi,
  { onState, onServing, onSessionEnded }: ManagedStreamerOptions,
  entry = builtStreamer,
): ManagedStreamer {
  const { drainSeconds, maxMemoryBytes } = configOf(strapi).streamer;
  const log = createRecentLines();
  let prepared: Prepared | null = null;
  const ready = (): Prepared => {
    prepared ??= prepare(strapi);
    return prepared;
  };
  const noteMemory = createMemoryCeiling({
    maxBytes: maxMemoryBytes,
    warn: (sentence) => strapi.log.warn(sentence),
    replace: () => void supervisor.restart(),
  });

  function onMessage(message: StreamerControl): void {
    if (message.type === 'memory') noteMemory(message.rssBytes);
    else if (message.type === 'ended') onSessionEnded(message.session);
    else if (message.type === 'log') {
      log.add(message.line);
      if (message.mine) process.stdout.write(`${message.line}\n`);
    }
  }

  const supervisor: Supervisor = new Supervisor({
    name: 'streamer',
    launch: (events) => {
      const { key, settings, own, file } = ready();
      return sharedLauncher({
        key,
        fork: { entry },
        settings: (controlFile) => ({ ...settings, controlPath: controlFile }),
        path: () => file,
        unsharedPath: () => unsharedControlPath(key),
        introduction: () => own,
        log: strapi.log,
        onServing,
        onMessage,
      })(events);
    },
    log: strapi.log,
    ...STARTS,
    backoff: BACKOFF,
    stopWaitSeconds: drainSeconds + STOP_MARGIN_SECONDS,
    onState,
  });

  return {
    supervisor,
    log,
    prepare() {
      prepared = prepare(strapi);
    },
  };
}
