import { type ChildMessage, parentMessageSchema, type StreamerSettings } from '../../server/contracts';
import { namesKeysFile, parseSettings, readEnvironment } from './config';
import { codeOf, describeCause, StreamError } from './errors';
import { createLogger, type Logger } from './logger';
import { createStreamer, type Streamer } from './streamer';

const EXIT_FAILED = 1;
const EXIT_MISCONFIGURED = 2;
/** A parent that forked us and stays silent is not the plugin. */
const START_TIMEOUT_MS = 30_000;
const CONFIG_CODES = new Set(['settings-invalid', 'keys-file-refused', 'internal-url-refused']);

/** Operators read this sentence; it is made of StreamError messages only, which hold no secret. */
function sentenceOf(error: unknown): string {
  return error instanceof StreamError ? error.message : describeCause(error);
}

function loggerFor({ logLevel, storageRoot, cacheDir, keys, edgeProof }: Readonly<StreamerSettings>): Logger {
  return createLogger({ level: logLevel, secrets: [storageRoot, cacheDir, keys.credential, edgeProof ?? ''] });
}

function stopOn(streamer: Streamer, logger: Logger): () => void {
  let stopping = false;
  return () => {
    if (stopping) return;
    stopping = true;
    streamer.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ code: codeOf(error), message: describeCause(error) }, 'stopping failed');
        process.exit(EXIT_FAILED);
      },
    );
  };
}

function exitCodeOf(error: unknown): number {
  return CONFIG_CODES.has(codeOf(error) ?? '') ? EXIT_MISCONFIGURED : EXIT_FAILED;
}

/** Sends, and resolves once the message has left. */
function tellParent(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

function nextParentMessage(): Promise<unknown> {
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

/** Started by the plugin: settings come over IPC (S1), and the process lives and dies with its parent. */
async function runManaged(): Promise<void> {
  // Ctrl-C reaches the whole process group; the parent decides what it means.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit(0));
  try {
    const message = parentMessageSchema.safeParse(await nextParentMessage());
    if (!message.success) throw new StreamError('settings-invalid', 'The parent process sent no valid settings.');
    const settings = parseSettings(message.data.settings);
    const logger = loggerFor(settings);
    const streamer = createStreamer(settings, logger);
    process.on('SIGTERM', stopOn(streamer, logger));
    await tellParent({ type: 'listening', ...(await streamer.start()) });
  } catch (error) {
    await tellParent({ type: 'fatal', reason: sentenceOf(error) });
    process.exit(exitCodeOf(error));
  }
}

/** Started by systemd, Kubernetes or hand: settings come from the environment and a file of keys. */
async function runStandalone(): Promise<void> {
  try {
    const settings = readEnvironment(process.env);
    const logger = loggerFor(settings);
    const streamer = createStreamer(settings, logger);
    const stop = stopOn(streamer, logger);
    process.on('SIGTERM', stop);
    process.on('SIGINT', stop);
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
