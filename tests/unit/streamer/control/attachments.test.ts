import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StreamerControl } from '../../../../server/contracts';
import { connectControl, deriveControlKey as derivePluginKey } from '../../../../server/src/supervisor';
import { type Attachments, createAttachments } from '../../../../streamer/src/control/attachments';
import { deriveControlKey } from '../../../../streamer/src/control/control-key';
import { createLogRelay, type LogRelay } from '../../../../streamer/src/control/log-relay';
import { until } from '../../../support/until';

const CREDENTIAL = randomBytes(32).toString('base64url');
const PORTS = { port: 1, opsPort: 2, rtmpPort: null, rtmpsPort: null };
const SOME_PID = 4_000_000;

let directory: string;
let server: Server;
let attachments: Attachments;
let log: LogRelay;
let deserted: string[];
let hasParent: boolean;

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'control-'));
  const ends: string[] = [];
  deserted = ends;
  hasParent = false;
  log = createLogRelay();
  attachments = createAttachments({
    key: deriveControlKey(CREDENTIAL),
    internalUrl: 'http://127.0.0.1:9/',
    log,
    hasParent: () => hasParent,
    onDeserted: (how) => void ends.push(how),
    onStop: () => void ends.push('stop'),
  });
  server = createServer(attachments.accept).listen(path.join(directory, 'control'));
  await once(server, 'listening');
});
afterEach(async () => {
  await attachments.end();
  server.close();
  rmSync(directory, { recursive: true });
});

async function attach(name: string, pid = SOME_PID) {
  const heard: StreamerControl[] = [];
  const found = await connectControl(path.join(directory, 'control'), derivePluginKey(CREDENTIAL), {
    message: (message) => void heard.push(message),
    closed: () => undefined,
  });
  if (found.kind !== 'streamer') throw new Error(found.kind);
  const before = attachments.size;
  found.line.send({ type: 'attach', pid, internalUrl: `http://${name}/`, corsOrigins: [`https://${name}`] });
  await until('it is attached', () => attachments.size > before);
  return { line: found.line, heard };
}

describe('Strapi processes attached to one streamer', () => {
  it('are asked in the order in which they came, and the next one when one does not answer or leaves', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    expect(attachments.hosts.internalUrl()).toBe('http://a/');
    attachments.hosts.failed('http://b/');
    expect(attachments.hosts.internalUrl()).toBe('http://a/');
    attachments.hosts.failed('http://a/');
    expect(attachments.hosts.internalUrl()).toBe('http://b/');
    b.line.close();
    await until('b has gone', () => attachments.size === 1);
    expect(attachments.hosts.internalUrl()).toBe('http://a/');
    a.line.close();
    await until('a has gone', () => attachments.size === 0);
    expect(attachments.hosts.internalUrl()).toBe('http://a/');
  });

  it('S4 the proofs and origins of those attached count, and of nobody who has left', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    expect(attachments.hosts.edgeProofs()).toEqual([a.line.edgeProof, b.line.edgeProof]);
    expect(attachments.hosts.corsOrigins()).toEqual(['https://a', 'https://b']);
    a.line.close();
    await until('a has gone', () => attachments.size === 1);
    expect(attachments.hosts.edgeProofs()).toEqual([b.line.edgeProof]);
    expect(attachments.hosts.corsOrigins()).toEqual(['https://b']);
  });

  it('learn where it serves once it does, and S15 each learns of every session that ends', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    expect(a.heard).toEqual([]);
    attachments.serving(PORTS);
    attachments.hosts.sessionEnded('0'.repeat(64));
    for (const { heard } of [a, b]) {
      await until('both messages have come', () => heard.length === 2);
      expect(heard).toMatchObject([
        { type: 'attached', pid: process.pid, ports: PORTS },
        { type: 'ended', session: '0'.repeat(64) },
      ]);
    }
  });

  it('one prints its log, the others keep it; who comes later hears what it missed', async () => {
    log.write('before\n');
    const a = await attach('a');
    attachments.serving(PORTS);
    const b = await attach('b');
    log.write('after\n');
    const lines = (heard: StreamerControl[]) =>
      heard.flatMap((message) => (message.type === 'log' ? [`${message.line} ${message.mine}`] : []));
    await until('a has heard', () => lines(a.heard).length === 2);
    await until('b has heard', () => lines(b.heard).length === 2);
    expect(lines(a.heard)).toEqual(['before true', 'after true']);
    expect(lines(b.heard)).toEqual(['before false', 'after false']);
  });

  it('the last that leaves ends it, in good order or at once', async () => {
    const [a, b] = [await attach('a'), await attach('b')];
    a.line.send({ type: 'detach' });
    await until('a is answered', () => a.heard.length > 0);
    expect(a.heard).toEqual([{ type: 'detached', stays: true }]);
    b.line.send({ type: 'detach' });
    await until('b is answered', () => b.heard.length > 0);
    expect(b.heard).toEqual([{ type: 'detached', stays: false }]);
    expect(deserted).toEqual(['orderly']);
    const c = await attach('c');
    c.line.close();
    await until('c has gone', () => deserted.length === 2);
    expect(deserted).toEqual(['orderly', 'abrupt']);
  });

  it('the process that started it counts until it detaches', async () => {
    hasParent = true;
    const stranger = await attach('other');
    stranger.line.send({ type: 'detach' });
    await until('it is answered', () => stranger.heard.length > 0);
    expect(stranger.heard).toEqual([{ type: 'detached', stays: true }]);
    const parent = await attach('parent', process.ppid);
    parent.line.send({ type: 'detach' });
    await until('it is answered', () => parent.heard.length > 0);
    expect(parent.heard).toEqual([{ type: 'detached', stays: false }]);
    expect(deserted).toEqual(['orderly']);
  });
});
