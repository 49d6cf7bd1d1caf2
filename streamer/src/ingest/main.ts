import { setPriority } from 'node:os';
import { createLogger } from '../logger';
import { exitCodeOf, orderlyEnd, sentenceOf } from '../process-end';
import { namesIngestKeysFile, readIngestEnvironment } from './config';
import { runManagedIngest } from './managed';
import { IngestWorker } from './worker';

/** Below what serves viewers; ffmpeg inherits it. */
const NICENESS = 10;

/** Started by systemd, Kubernetes or hand: settings come from the environment and a file of keys. */
async function runStandalone(): Promise<void> {
  try {
    const settings = readIngestEnvironment(process.env);
    const { logLevel: level, storageRoot, keys } = settings;
    const logger = createLogger({ process: 'ingest', level, secrets: [storageRoot, keys.credential] });
    const worker = new IngestWorker(settings, logger);
    const end = orderlyEnd(() => worker.stop(), logger);
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
    await worker.start();
    logger.info('ingest worker asks for work');
  } catch (error) {
    process.stderr.write(`protected-vod ingest: ${sentenceOf(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

function giveWay(): void {
  try {
    setPriority(NICENESS);
  } catch {
    // Some containers forbid even that; it then competes with the others.
  }
}

/** Runs until told to stop; exits the process itself: 0 in good order, 2 for wrong settings, 1 for the rest. */
export function runIngest(): Promise<void> {
  giveWay();
  // What it writes is for the user alone that it shares the storage with.
  process.umask(0o077);
  return process.send === undefined || namesIngestKeysFile(process.env) ? runStandalone() : runManagedIngest();
}

// The bundle is CommonJS; a bundler leaves these two names alone, and elsewhere they do not exist.
if (typeof require !== 'undefined' && typeof module !== 'undefined' && require.main === module) void runIngest();
