import { randomUUID } from 'node:crypto';
import { INGEST_KINDS, type IngestKind, type IngestSettings, rungKindOf } from '../../../server/contracts';
import { describeCause } from '../errors';
import { createStorage, type Storage } from '../http/storage-path';
import type { Logger } from '../logger';
import { type Alarm, createAlarm } from './alarm';
import { createEncoders, type Encoders } from './encoders/encoders';
import { createJobApi, type JobApi } from './job-api';
import { type RunningJob, startJob } from './run-job';
import { openStorageArea } from './storage-area';
import { createToolSource, type ToolSource } from './tools/tool-source';

/** While the plugin cannot be reached, and while there is no ffmpeg. */
const SLOW_POLL_SECONDS = 30;

/**
 * What is made beside each other: renditions take as long as the film and longer, and nobody is to wait for a poster until one
 * is done.
 */
const LANES: readonly (readonly IngestKind[])[] = [
  INGEST_KINDS.filter((kind) => rungKindOf(kind) === null),
  INGEST_KINDS.filter((kind) => rungKindOf(kind) !== null),
];

interface Place {
  root: string;
  storage: Storage;
  tools: ToolSource;
  encoders: Encoders;
}

/** Whoever asks while it is looked for waits with the first one. */
function shared(source: ToolSource): ToolSource {
  let looking: ReturnType<ToolSource> | null = null;
  return () => {
    looking ??= source().finally(() => {
      looking = null;
    });
    return looking;
  };
}

interface Lane {
  kinds: readonly IngestKind[];
  alarm: Alarm;
  running: RunningJob | null;
}

/** Asks for a job, does it, and asks again; one of each lane at a time. Any number of these share the work. */
export class IngestWorker {
  readonly #id: string;
  readonly #api: JobApi;
  readonly #lanes: Lane[] = LANES.map((kinds) => ({ kinds, alarm: createAlarm(), running: null }));
  #isStopped = false;
  #isReachable = true;
  #over: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly settings: Readonly<IngestSettings>,
    private readonly logger: Logger,
  ) {
    const { internalUrl, keys, worker = randomUUID() } = settings;
    this.#id = worker;
    this.#api = createJobApi({ internalUrl, credential: keys.credential });
  }

  /** Throws `StreamError` where the storage cannot be used. */
  async start(): Promise<void> {
    const { storageRoot, ffmpeg, maxMemoryBytes: memoryBytes, maxToolSeconds: maxSeconds, confinement } = this.settings;
    const root = await openStorageArea(storageRoot);
    const { logger } = this;
    const encoders = createEncoders({ choice: this.settings.encoder, root, logger });
    const tools = shared(createToolSource({ ffmpeg, memoryBytes, maxSeconds, confinement, root, logger }));
    const place = { root, storage: createStorage(root), tools, encoders };
    this.#over = Promise.all(this.#lanes.map((lane) => this.#work(lane, place)));
  }

  /** There may be work now. */
  wake(): void {
    for (const { alarm } of this.#lanes) alarm.ring();
  }

  /** Ends what runs, and gives it back. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.wake();
    for (const { running } of this.#lanes) running?.stop();
    await this.#over;
  }

  async #work(lane: Lane, place: Place): Promise<void> {
    while (!this.#isStopped) {
      const seconds = await this.#workOnce(lane, place).catch((error: unknown) => {
        this.logger.error({ message: describeCause(error) }, 'the worker stumbled');
        return SLOW_POLL_SECONDS;
      });
      if (seconds > 0 && !this.#isStopped) await lane.alarm.pause(seconds);
    }
  }

  /** Resolves to how many seconds to wait before the next question. */
  async #workOnce(lane: Lane, place: Place): Promise<number> {
    const found = await place.tools();
    const { toolbox: tools, unconfined } = found;
    const encoder = tools === null ? null : await place.encoders.report(tools);
    const claimedAt = performance.now();
    const kinds = tools === null ? [] : [...lane.kinds];
    const lacking = found.toolbox === null ? found.lacking : null;
    const around = { ...(unconfined && { unconfined: [...unconfined] }), ...(encoder && { encoder }) };
    const request = { worker: this.#id, kinds, lacking, ...around };
    const outcome = await this.#api.claim(request);
    this.#noteReach(outcome.state === 'unavailable' ? outcome.cause : null);
    if (outcome.state === 'unavailable' || tools === null) return SLOW_POLL_SECONDS;
    if (outcome.job === null) return this.settings.pollSeconds;
    const { root, storage, encoders } = place;
    const { maxPixels } = this.settings;
    const { logger } = this;
    const shop = {
      api: this.#api,
      tools,
      encoders,
      root,
      resolve: storage.resolve,
      maxPixels,
      worker: this.#id,
      logger,
    };
    lane.running = startJob(shop, outcome.job, claimedAt);
    if (this.#isStopped) lane.running.stop();
    await lane.running.ended;
    lane.running = null;
    return 0;
  }

  /** Tells once of each change. */
  #noteReach(cause: string | null): void {
    const isReachable = cause === null;
    if (isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    if (isReachable) this.logger.info('the plugin answers again');
    else this.logger.warn({ cause }, 'the plugin cannot be asked for work');
  }
}
