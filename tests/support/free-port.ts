import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that Linux gives to whoever connects (`ip_local_port_range`), any of which may be the next one taken. */
const FIRST = 10_000;
const PORTS_A_PROCESS = 100;
/** A prime, so that processes whose ids are near each other have ports of their own. */
const PROCESSES = 227;
const own = FIRST + (process.pid % PROCESSES) * PORTS_A_PROCESS;
let taken = 0;

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/** A loopback port that was free a moment ago, and that no other process of the tests is about to take. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_A_PROCESS; tries += 1) {
    const port = own + (taken % PORTS_A_PROCESS);
    taken += 1;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port is free from ${own} on`);
}
