import { type ChildMessage, ingestParentMessageSchema } from '../../../server/contracts';
import { StreamError } from '../errors';
import { createLogger } from '../logger';
import { exitCodeOf, orderlyEnd, sentenceOf } from '../process-end';
import { parseIngestSettings } from './config';
import { IngestWorker } from './worker';

/** A parent that forked us and stays silent is not the plugin. */
const START_TIMEOUT_MS = 30_000;

function tellParent(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

function firstMessage(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new StreamError('settings-invalid', 'The parent process sent no settings.')),
      START_TIMEOUT_MS,
    );
    process.once('message', (message) => {
      clearTimeout(timer);
      resolve(message);
    });
  });
}

async function start(): Promise<void> {
  const message = ingestParentMessageSchema.safeParse(await firstMessage());
  if (message.data?.type !== 'start') {
    throw new StreamError('settings-invalid', 'The parent process sent no valid settings.');
  }
  const settings = parseIngestSettings(message.data.settings);
  const { logLevel: level, storageRoot, keys } = settings;
  const logger = createLogger({ process: 'ingest', level, secrets: [storageRoot, keys.credential] });
  const worker = new IngestWorker(settings, logger);
  const end = orderlyEnd(() => worker.stop(), logger);
  process.on('SIGTERM', end);
  // Without its parent there is nobody to report to; ffmpeg goes with this process.
  process.on('disconnect', end);
  process.on('message', (raw) => {
    if (ingestParentMessageSchema.safeParse(raw).data?.type === 'wake') worker.wake();
  });
  await worker.start();
  await tellParent({ type: 'ready' });
}

/** Started by the plugin: settings come over IPC (S1). Lives as long as its parent. */
export async function runManagedIngest(): Promise<void> {
  // Ctrl-C reaches the whole process group; the parent decides what it means.
  process.on('SIGINT', () => undefined);
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await start();
  } catch (error) {
    await tellParent({ type: 'fatal', reason: sentenceOf(error) });
    process.exit(exitCodeOf(error));
  }
}
