import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import { EDGE_CLIENT_HEADER, EDGE_PROOF_HEADER } from '../../../../server/contracts';
import { createClientAddressReader } from '../../../../streamer/src/access/client-address';
import { createClientReader } from '../../../../streamer/src/access/socket-client';

const PROOF = 'p'.repeat(32);

function socketFrom(remoteAddress: string): Socket {
  return Object.defineProperty(new Socket(), 'remoteAddress', { value: remoteAddress });
}

const asked = (socket: Socket, headers: Record<string, string>) => ({ socket, headers }) as unknown as IncomingMessage;

it('S16 what was read on a connection is kept only while it names the same address and user agent', () => {
  const clientOf = createClientReader(createClientAddressReader({ trustedProxies: ['10.0.0.1'] }));
  const proxy = socketFrom('10.0.0.1');
  const prefix = (headers: Record<string, string>) => clientOf(asked(proxy, headers))?.addressPrefix;
  expect(prefix({ 'x-forwarded-for': '203.0.113.7' })).toBe('203.0.113.0/24');
  expect(prefix({ 'x-forwarded-for': '198.51.100.7' })).toBe('198.51.100.0/24');
  expect(prefix({})).toBe('10.0.0.0/24');
  expect(prefix({ 'x-forwarded-for': '203.0.113.7' })).toBe('203.0.113.0/24');
  const agents = ['a', 'b', 'a'].map((agent) => clientOf(asked(proxy, { 'user-agent': agent }))?.agent);
  expect(agents[0]).toBe(agents[2]);
  expect(agents[0]).not.toBe(agents[1]);
});

it('two connections are two clients', () => {
  const clientOf = createClientReader(createClientAddressReader({ trustedProxies: [] }));
  const prefixes = ['203.0.113.7', '198.51.100.7'].map((address) => clientOf(asked(socketFrom(address), {})));
  expect(prefixes.map((client) => client?.addressPrefix)).toEqual(['203.0.113.0/24', '198.51.100.0/24']);
});

it('S16 a proof that is no longer good is believed no more on a connection where it was', () => {
  const proofs = [PROOF];
  const clientOf = createClientReader(createClientAddressReader({ edgeProofs: () => proofs, trustedProxies: [] }));
  const socket = socketFrom('127.0.0.1');
  const headers = { [EDGE_PROOF_HEADER]: PROOF, [EDGE_CLIENT_HEADER]: '203.0.113.7' };
  expect(clientOf(asked(socket, headers))?.addressPrefix).toBe('203.0.113.0/24');
  proofs.length = 0;
  expect(clientOf(asked(socket, headers))?.addressPrefix).toBe('127.0.0.0/24');
});
