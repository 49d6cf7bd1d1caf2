import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { Grant } from '../../server/contracts';
import { createClientAddressReader } from '../../streamer/src/access/client-address';
import { monotonicClock } from '../../streamer/src/access/clock';
import { createGate, type Gate } from '../../streamer/src/access/gate';
import { createSessionLookup } from '../../streamer/src/access/session-lookup';
import { createSessions } from '../../streamer/src/access/sessions';
import { createClientReader } from '../../streamer/src/access/socket-client';
import { createTrustedKeys } from '../../streamer/src/access/trusted-keys';
import { createMetrics } from '../../streamer/src/health/metrics';
import { routeOf } from '../../streamer/src/http/router';
import { makeSessionId } from '../support/stand-in-plugin';
import { median } from './machine';

const SESSIONS = 1000;
const CHECKS = 100_000;
const ROUNDS = 9;
const LIMIT_MICROSECONDS = 20;

const GRANT: Grant = {
  video: 'video1',
  asset: {
    id: 'asset1',
    contentVersion: 'version-0001',
    fileName: 'film.mp4',
    mime: 'video/mp4',
    durationSeconds: 600,
    renditions: [{ id: 'source', storageKey: 'films/film.mp4', sizeBytes: 1 }],
  },
  protocols: ['hls', 'dash', 'mp4'],
  download: true,
  client: { addressPrefix: '127.0.0.0/24', agent: '0123456789abcdef' },
  generation: 0,
  leaseSeconds: 3600,
  outageGraceSeconds: 30,
  pace: { factor: 1_000_000, bufferSeconds: 1_000_000_000 },
};

/** A gate that holds a thousand sessions; asking the plugin or reading a token would be an error. */
function gateWith(ids: readonly string[], credential: string): Gate {
  const metrics = createMetrics(() => 0);
  const sessions = createSessions(metrics, monotonicClock);
  const never = (): never => {
    throw new Error('a held session needs no question');
  };
  const introspection = { ask: never, remembered: never };
  const lookup = createSessionLookup({
    sessions,
    introspection,
    keys: createTrustedKeys({ credential, publicKeys: {} }),
    clock: monotonicClock,
  });
  for (const id of ids) sessions.hold(id, GRANT, monotonicClock());
  return createGate({ lookup, tokenLookup: never, posterLookup: never, maxResponsesPerSession: 8 });
}

/** What the check reads of a request on a kept connection. */
function requestOf(userAgent: string): IncomingMessage {
  const socket = { remoteAddress: '127.0.0.1' } as Socket;
  return { socket, headers: { 'user-agent': userAgent, host: 'streamer' } } as unknown as IncomingMessage;
}

it(`the check of a known credential, from request line to admission, takes at most ${LIMIT_MICROSECONDS} µs`, () => {
  const credential = randomBytes(32).toString('base64url');
  const ids = Array.from({ length: SESSIONS }, () => makeSessionId(credential));
  const gate = gateWith(ids, credential);
  const clientOf = createClientReader(createClientAddressReader({ trustedProxies: [] }));
  const asked = ids.map((id, at) => ({
    target: `/v/${id}/hls/source-v1/${(at % 100) + 1}.m4s`,
    request: requestOf(`player ${at % 10}`),
  }));

  function check(at: number): void {
    const { target, request } = asked[at % SESSIONS] ?? { target: '', request: requestOf('') };
    const route = routeOf('GET', target);
    if (route.kind !== 'delivery') throw new Error(`${target} is no address`);
    const { credential: shown, resource } = route.url;
    const admission = gate.admit({ method: 'GET', credential: shown, resource, client: clientOf(request) });
    if (admission instanceof Promise || admission.kind !== 'admitted') throw new Error('it was not admitted at once');
    admission.session.release();
  }

  const microseconds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const before = process.cpuUsage();
    for (let at = 0; at < CHECKS; at += 1) check(at);
    const { user, system } = process.cpuUsage(before);
    microseconds.push((user + system) / CHECKS);
  }
  console.log(`credential check: median ${median(microseconds).toFixed(2)} µs of CPU, ${ROUNDS} × ${CHECKS} checks`);
  expect(median(microseconds)).toBeLessThanOrEqual(LIMIT_MICROSECONDS);
});
