import { readFile } from 'node:fs/promises';

/**
 * Bytes that the system holds for connections accepted at a loopback port of this machine because their readers take none
 * (proc(5), `tx_queue`).
 */
export async function unsentBytes(port: number): Promise<number> {
  const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n').slice(1);
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const held = rows.map((row) => row.trim().split(/\s+/)).filter(([, local]) => local?.endsWith(suffix));
  return held.reduce((sum, [, , , , queues = '0:0']) => sum + Number.parseInt(queues, 16), 0);
}
