import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';

/** How Node's server reads a connection: the one listener that it brings along itself. */
const [READ] = createServer().listeners('connection');

/** What asks for the upgrade; without it the request is an ordinary one. */
const ASKS_UPGRADE = new Set(['upgrade', 'http2-settings']);

function withoutUpgrade(name: string, value: string): [string, string][] {
  if (ASKS_UPGRADE.has(name.toLowerCase())) return [];
  if (name.toLowerCase() !== 'connection') return [[name, value]];
  const rest = value.split(',').filter((option) => !ASKS_UPGRADE.has(option.trim().toLowerCase()));
  return rest.length === 0 ? [] : [[name, rest.join(',')]];
}

/**
 * Lets the server read the request again as one that asks for no upgrade. Node does that by itself on a server that
 * nobody upgrades; a listener of ours must not take it from clients that offer `h2c` with each request.
 */
export function readAsPlainRequest(server: Server, request: IncomingMessage, socket: Duplex, head: Buffer): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let at = 0; at + 1 < request.rawHeaders.length; at += 2) {
    const [name = '', value = ''] = request.rawHeaders.slice(at, at + 2);
    for (const [kept, left] of withoutUpgrade(name, value)) lines.push(`${kept}: ${left}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  // Not `emit`: whoever else listens to that event, as Strapi does, knows this connection, and would listen to it once
  // more with each request that comes on it.
  READ?.call(server, socket);
}
