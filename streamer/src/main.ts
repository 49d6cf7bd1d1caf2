import type { StreamerSettings } from '../../server/contracts';
import { namesKeysFile, readEnvironment } from './config';
import { runManaged } from './control/managed';
import { createLogger, type Logger } from './logger';
import { exitCodeOf, orderlyEnd, sentenceOf } from './process-end';
import { createStreamer } from './streamer';

function loggerFor({ logLevel, storageRoot, cacheDir, keys }: Readonly<StreamerSettings>): Logger {
  return createLogger({ level: logLevel, secrets: [storageRoot, cacheDir, keys.credential] });
}

/** Started by systemd, Kubernetes or hand: settings come from the environment and a file of keys. */
async function runStandalone(): Promise<void> {
  try {
    const settings = readEnvironment(process.env);
    const logger = loggerFor(settings);
    const streamer = createStreamer(settings, logger);
    const end = orderlyEnd(streamer.stop, logger);
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
    await streamer.start();
  } catch (error) {
    process.stderr.write(`protected-vod streamer: ${sentenceOf(error)}\n`);
    process.exit(exitCodeOf(error));
  }
}

/** Runs until told to stop; exits the process itself: 0 after draining, 2 for wrong settings, 1 for the rest. */
export function runStreamer(): Promise<void> {
  return process.send === undefined || namesKeysFile(process.env) ? runStandalone() : runManaged();
}

// The bundle is CommonJS; a bundler leaves these two names alone, and elsewhere they do not exist.
if (typeof require !== 'undefined' && typeof module !== 'undefined' && require.main === module) void runStreamer();
