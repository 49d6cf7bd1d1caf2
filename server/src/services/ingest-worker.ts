import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import type { IngestSettings } from '../../contracts';
import { configOf } from '../config';
import { VodError } from '../errors';
import { type ForkedChild, forkLauncher, type ProcessStatus, Supervisor } from '../supervisor';
import { getService } from './get-service';
import { createLogLines } from './log-lines';
import { internalUrl } from './network';

const STARTS = { startSeconds: 1, startTimeoutSeconds: 60, startRetries: 8 };
const BACKOFF = { firstSeconds: 1, capSeconds: 60 };
/** It only has to end ffmpeg and to give its job back. */
const STOP_WAIT_SECONDS = 10;

export interface IngestWorkerService {
  /** Starts the worker; the HTTP server must be listening. Does nothing in mode `external`. Never throws. */
  start(): void;
  /** Resolves when it has ended; its job is given back. */
  stop(): Promise<void>;
  restart(): Promise<void>;
  /** What it is called when it asks for work; null in mode `external`. */
  readonly id: string | null;
  /** Null in mode `external`. */
  status(): ProcessStatus | null;
  /** There may be work: it need not wait until it asks by itself. */
  wake(): void;
}

/** `dist/ingest` lies beside `dist/server`. */
const builtWorker = (): string => path.join(__dirname, '../ingest/index.js');

function composeSettings(strapi: Core.Strapi, worker: string): IngestSettings {
  const { streamer, ingest } = configOf(strapi);
  const { ffmpeg, maxMemoryBytes, maxToolSeconds, maxPixels, confinement, encoder, logLevel } = ingest;
  return {
    keys: { credential: getService(strapi, 'keys').keyring().ingestCredential },
    internalUrl: internalUrl({
      configured: streamer.internalUrl,
      listener: strapi.server.httpServer.address(),
      restPrefix: strapi.config.get('api.rest.prefix', '/api'),
    }),
    worker,
    storageRoot: getService(strapi, 'storage').root.path,
    ...(ffmpeg !== undefined && { ffmpeg: path.resolve(strapi.dirs.app.root, ffmpeg) }),
    pollSeconds: 5,
    maxMemoryBytes,
    maxToolSeconds,
    maxPixels,
    confinement,
    encoder,
    logLevel,
  };
}

/** The worker that this Strapi runs beside its streamer. Others, of other nodes or none, share the same jobs. */
export function createIngestWorkerService({ strapi }: { strapi: Core.Strapi }): IngestWorkerService {
  const isManaged = configOf(strapi).ingest.mode === 'managed';
  /** Of one after the other: attempts are told apart by their number. */
  const id = randomUUID();
  let child: ForkedChild | null = null;
  let settings: IngestSettings | null = null;

  const supervisor = new Supervisor({
    name: 'ingest',
    launch: (events) => {
      const stdout = createLogLines((line) => getService(strapi, 'streamer').log.add(line), process.stdout);
      const launched = forkLauncher({ entry: builtWorker, settings: () => settings, stdout })({
        ...events,
        exited(how) {
          child = null;
          events.exited(how);
        },
      });
      child = launched;
      return launched;
    },
    log: strapi.log,
    ...STARTS,
    backoff: BACKOFF,
    stopWaitSeconds: STOP_WAIT_SECONDS,
  });

  function prepare(): boolean {
    if (!isManaged) return false;
    try {
      settings = composeSettings(strapi, id);
      return true;
    } catch (error) {
      if (!(error instanceof VodError)) throw error;
      strapi.log.error(`protected-vod: the ingest worker is not started. ${error.message}`);
      return false;
    }
  }

  return {
    start() {
      if (prepare()) supervisor.start();
    },
    stop: () => supervisor.stop(),
    async restart() {
      if (prepare()) await supervisor.restart();
    },
    id: isManaged ? id : null,
    status: () => (isManaged ? supervisor.status() : null),
    wake: () => child?.send({ type: 'wake' }),
  };
}
