import { ingestParentMessageSchema } from '../../../server/contracts';
import { StreamError } from '../errors';
import { createLogger } from '../logger';
import { nextParentMessage, tellParent } from '../parent-process';
import { exitCodeOf, orderlyEnd, sentenceOf } from '../process-end';
import { parseIngestSettings } from './config';
import { IngestWorker } from './worker';

async function start(): Promise<void> {
  const message = ingestParentMessageSchema.safeParse(await nextParentMessage());
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
