import { ClientRequest, type IncomingMessage, type OutgoingHttpHeaders, STATUS_CODES } from 'node:http';
import { type Duplex, pipeline } from 'node:stream';
import { responseHeaders } from './headers';
import { REFUSALS, type Refusal, SAFE_HEADERS } from './refusal';

/** A streamer that says nothing for so long will not; the longest honest wait is one introspection. */
const ANSWER_TIMEOUT_MS = 30_000;
const LINGER_MS = 1_000;

export interface UpgradeExchange {
  path: string;
  headers: OutgoingHttpHeaders;
  host: string;
  port: number;
  /** The viewer's connection, and what came with the request already. */
  socket: Duplex;
  head: Buffer;
}

function writeHead(socket: Duplex, status: number, headers: Iterable<[name: string, values: string[]]>): void {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`];
  for (const [name, values] of headers) for (const value of values) lines.push(`${name}: ${value}`);
  socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** One of the proxy's own answers, in place of an upgrade; nothing may have been written yet. */
export function refuseUpgrade(socket: Duplex, refusal: Refusal): void {
  const { status, body, headers } = REFUSALS[refusal];
  const all = { ...SAFE_HEADERS, ...headers, connection: 'close', 'content-length': String(Buffer.byteLength(body)) };
  writeHead(
    socket,
    status,
    Object.entries(all).map(([name, value]) => [name, [value]]),
  );
  // Nobody reads from it any more, so that the viewer's own end would never be seen.
  socket.end(body, () => socket.destroy());
}

/** Bytes in both directions, each only as fast as it is taken; whichever side closes takes the other with it. */
function join(viewer: Duplex, streamer: Duplex): void {
  for (const [from, to] of [
    [viewer, streamer],
    [streamer, viewer],
  ] as const) {
    // Not `pipeline`: two of them on one pair of sockets pass Node's limit of listeners, and warn of a leak.
    from.pipe(to);
    from.once('close', () => to.destroy());
    // The other end may still read what was sent last; a peer that keeps its half open then is not waited for.
    to.once('finish', () => setTimeout(() => to.destroy(), LINGER_MS).unref());
  }
}

function open(exchange: UpgradeExchange, answer: IncomingMessage, streamer: Duplex, first: Buffer): void {
  const { socket, head } = exchange;
  const own: [string, string[]][] = [
    ['connection', ['Upgrade']],
    ['upgrade', ['websocket']],
  ];
  writeHead(socket, 101, [...own, ...responseHeaders(answer)]);
  if (first.length > 0) socket.write(first);
  if (head.length > 0) streamer.write(head);
  join(socket, streamer);
}

/** The streamer refuses: its answer is passed on as any other, and the connection ends with it. */
function relayRefusal(socket: Duplex, answer: IncomingMessage): void {
  writeHead(socket, answer.statusCode ?? 502, [...responseHeaders(answer), ['connection', ['close']]]);
  pipeline(answer, socket, () => socket.destroy());
}

/**
 * Passes one WebSocket handshake (RFC 6455 §4.2) on and then whatever both ends say. Never throws; no error of either
 * side leaves it.
 */
export function forwardUpgrade(exchange: UpgradeExchange): void {
  const { path, host, port, socket } = exchange;
  const headers = { ...exchange.headers, connection: 'Upgrade', upgrade: 'websocket' };
  // Not `http.request`: Strapi's `server.proxy.global` replaces that to send everything, this too, to an outbound proxy.
  const request = new ClientRequest({ host, port, method: 'GET', path, headers, agent: false });
  const cut = () => request.destroy();
  socket.once('close', cut);
  // Who waits to be read is not heard when it leaves; nothing is taken out here, and little is taken in.
  const listen = () => {};
  socket.on('readable', listen);
  request.setTimeout(ANSWER_TIMEOUT_MS, cut);
  request.once('upgrade', (answer, streamer, first) => {
    streamer.on('error', () => streamer.destroy());
    socket.off('close', cut);
    socket.off('readable', listen);
    streamer.setTimeout(0);
    if (socket.destroyed) streamer.destroy();
    else open(exchange, answer, streamer, first);
  });
  request.once('response', (answer) => {
    request.setTimeout(0);
    relayRefusal(socket, answer);
  });
  request.on('error', () => {
    if (!socket.destroyed && socket.writable) refuseUpgrade(socket, 'unavailable');
  });
  request.end();
}
