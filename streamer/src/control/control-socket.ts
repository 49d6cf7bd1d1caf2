import { randomBytes } from 'node:crypto';
import { linkSync, statSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { codeOf } from '../errors';

const CHECK_INTERVAL_MS = 1_000;
const IS_WINDOWS = process.platform === 'win32';

export interface ControlSocket {
  /** Whether this process still is the one that others find at the path. */
  isOurs(): boolean;
  /** Takes no more connections; those that are open stay. */
  close(): void;
}

export interface ControlSocketOptions {
  path: string;
  onConnection: (socket: Socket) => void;
  /** Another streamer has taken the path over. */
  onLost: () => void;
}

function inodeOf(path: string): number | null {
  try {
    return statSync(path).ino;
  } catch {
    return null;
  }
}

function removeIf(path: string, inode: number | null): void {
  // Between the look and the removal nothing of this process runs; what another one does then is seen by the next check.
  if (inode !== null && inodeOf(path) === inode) unlinkSync(path);
}

/** Whether somebody answers at `path`. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error) => {
      if (['ECONNREFUSED', 'ENOENT'].includes(codeOf(error) ?? '')) resolve(false);
      else reject(error);
    });
  });
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** A hard link either comes to be or fails: of several streamers that start together, one gets the path. */
function linkOnce(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Null: a living streamer has the path. What a dead one left there is removed. */
async function bindFile(server: Server, path: string): Promise<number | null> {
  // Bound under another name first, because closing a server removes its name, whoever has that by then.
  const own = `${path}.${randomBytes(3).toString('hex')}`;
  await listen(server, own);
  const inode = inodeOf(own);
  try {
    for (;;) {
      if (linkOnce(own, path)) return inode;
      const found = inodeOf(path);
      if (await isAnswered(path)) return null;
      removeIf(path, found);
    }
  } finally {
    unlinkSync(own);
  }
}

async function bindPipe(server: Server, path: string): Promise<number | null> {
  try {
    await listen(server, path);
    return 0;
  } catch (error) {
    if (codeOf(error) === 'EADDRINUSE') return null;
    throw error;
  }
}

/**
 * Listens at `path`, which is the lock of the streamers of one machine: null means that another one lives there already.
 * Throws what the system says if the path cannot be used.
 */
export async function claimControlSocket(options: ControlSocketOptions): Promise<ControlSocket | null> {
  const { path, onConnection, onLost } = options;
  const server = createServer(onConnection);
  const inode = await (IS_WINDOWS ? bindPipe : bindFile)(server, path);
  if (inode === null) {
    server.close();
    return null;
  }
  // Nobody is told by the system that its name was given to another.
  const isOurs = (): boolean => IS_WINDOWS || inodeOf(path) === inode;
  const check = setInterval(() => {
    if (isOurs()) return;
    clearInterval(check);
    onLost();
  }, CHECK_INTERVAL_MS);
  check.unref();
  return {
    isOurs,
    close() {
      clearInterval(check);
      if (!IS_WINDOWS) removeIf(path, inode);
      server.close();
    },
  };
}
