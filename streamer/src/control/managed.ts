import { parentMessageSchema, type StreamerSettings } from '../../../server/contracts';
import { parseSettings } from '../config';
import { StreamError } from '../errors';
import { createLogger } from '../logger';
import { nextParentMessage, tellParent } from '../parent-process';
import { exitCodeOf, orderlyEnd, sentenceOf } from '../process-end';
import { createStreamer } from '../streamer';
import { createAttachments } from './attachments';
import { deriveControlKey } from './control-key';
import { type ControlSocket, claimControlSocket } from './control-socket';
import { createLogRelay } from './log-relay';

async function readSettings(): Promise<Readonly<StreamerSettings> & { controlPath: string }> {
  const message = parentMessageSchema.safeParse(await nextParentMessage());
  if (!message.success) throw new StreamError('settings-invalid', 'The parent process sent no valid settings.');
  const settings = parseSettings(message.data.settings);
  const { controlPath } = settings;
  if (controlPath === undefined) throw new StreamError('settings-invalid', 'The parent process named no socket.');
  return { ...settings, controlPath };
}

async function exitOccupied(): Promise<never> {
  await tellParent({ type: 'occupied' });
  process.exit(0);
}

/** The parts of a streamer that Strapi processes share, put together; nothing listens yet but the control socket. */
async function start(settings: Readonly<StreamerSettings> & { controlPath: string }): Promise<void> {
  const { keys, internalUrl, controlPath, logLevel, storageRoot, cacheDir } = settings;
  const log = createLogRelay();
  const logger = createLogger({
    level: logLevel,
    secrets: [storageRoot, cacheDir, controlPath, keys.credential],
    destination: log,
  });
  const attachments = createAttachments({
    key: deriveControlKey(keys.credential),
    internalUrl,
    log,
    hasParent: () => process.connected,
    // There is nobody left who could renew a lease or wait for a response to finish.
    onDeserted: (how) => (how === 'orderly' ? end() : process.exit(0)),
    onStop: () => end(),
  });
  const streamer = createStreamer(settings, logger, { hosts: attachments.hosts });
  let socket: ControlSocket | null = null;
  const end = orderlyEnd(async () => {
    socket?.close();
    await streamer.stop();
    await attachments.end();
  }, logger);
  const onLost = (): void => {
    logger.warn('another streamer has taken the control socket over; this one ends');
    end();
  };
  socket = await claimControlSocket({ path: controlPath, onConnection: attachments.accept, onLost });
  if (socket === null) return exitOccupied();
  process.on('SIGTERM', end);
  // Until here the parent alone could be the one that it serves.
  process.on('disconnect', () => attachments.size === 0 && process.exit(0));
  if (!process.connected) process.exit(0);
  const ports = await streamer.start();
  if (!socket.isOurs()) return exitOccupied();
  attachments.serving(ports);
  await tellParent({ type: 'listening', ...ports });
}

/**
 * Started by the plugin: settings come over IPC (S1). The process lives as long as one Strapi is attached to it, be it
 * the one that started it or another that adopted it.
 */
export async function runManaged(): Promise<void> {
  // Ctrl-C reaches the whole process group; the parents decide what it means.
  process.on('SIGINT', () => undefined);
  // Output goes to the parent, and may survive it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await start(await readSettings());
  } catch (error) {
    await tellParent({ type: 'fatal', reason: sentenceOf(error) });
    process.exit(exitCodeOf(error));
  }
}
