import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectControl } from '../../../../server/src/supervisor';
import { deriveControlKey as derivePluginKey } from '../../../../server/src/supervisor/control-key';
import { type Attachment, serveControl } from '../../../../streamer/src/control/attachment';
import { deriveControlKey } from '../../../../streamer/src/control/control-key';
import { until } from '../../../support/until';

const CREDENTIAL = randomBytes(32).toString('base64url');
const ATTACH = { type: 'attach', pid: 1, internalUrl: 'http://127.0.0.1:1/', corsOrigins: [] };

let directory: string;
let server: Server;
let attached: Attachment[];
let heard: string[];

const socketPath = () => path.join(directory, 'control');

beforeEach(async () => {
  directory = mkdtempSync(path.join(tmpdir(), 'control-'));
  attached = [];
  heard = [];
  const note = (what: string) => () => void heard.push(what);
  server = createServer((socket) =>
    serveControl(socket, deriveControlKey(CREDENTIAL), {
      attached: (attachment) => void attached.push(attachment),
      detach: note('detach'),
      stop: note('stop'),
      gone: note('gone'),
    }),
  );
  server.listen(socketPath());
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

interface Stranger {
  socket: Socket;
  /** All lines that came, so far. */
  lines: Record<string, unknown>[];
  say(message: unknown): void;
}

async function visit(): Promise<Stranger> {
  const socket = connect(socketPath()).setEncoding('utf8');
  const lines: Record<string, unknown>[] = [];
  socket.on('error', () => undefined);
  socket.on(
    'data',
    (text: string) =>
      void lines.push(
        ...text
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      ),
  );
  await until('the challenge has come', () => lines.length > 0);
  return { socket, lines, say: (message) => void socket.write(`${JSON.stringify(message)}\n`) };
}

async function isShutOut({ socket, lines }: Stranger): Promise<void> {
  await until('the connection is closed', () => socket.closed);
  expect(lines).toEqual([{ type: 'challenge', nonce: expect.stringMatching(/^[\w-]{43}$/) }]);
  expect(attached).toEqual([]);
  expect(heard).toEqual([]);
}

const nonce = () => randomBytes(32).toString('base64url');

describe('S4 a stranger at the control socket of a streamer', () => {
  it.each<[string, (stranger: Stranger) => void]>([
    ['speaks no JSON', ({ socket }) => void socket.write('GET / HTTP/1.1\r\n\r\n')],
    ['sends a line without end', ({ socket }) => void socket.write('x'.repeat(200_000))],
    ['attaches without a proof', ({ say }) => say(ATTACH)],
    ['asks it to stop', ({ say }) => say({ type: 'stop' })],
    ['invents a proof', ({ say }) => say({ type: 'hello', nonce: nonce(), proof: nonce() })],
    [
      'holds another key',
      ({ say, lines }) => {
        const nonces = { streamer: String(lines[0]?.nonce), plugin: nonce() };
        const key = deriveControlKey(nonce());
        say({ type: 'hello', nonce: nonces.plugin, proof: key.sign('plugin', nonces) });
      },
    ],
    [
      'sends the proof of the streamer’s own side',
      ({ say, lines }) => {
        const nonces = { streamer: String(lines[0]?.nonce), plugin: nonce() };
        say({ type: 'hello', nonce: nonces.plugin, proof: deriveControlKey(CREDENTIAL).sign('streamer', nonces) });
      },
    ],
  ])('who %s is shut out and learns nothing', async (_what, act) => {
    const stranger = await visit();
    act(stranger);
    await isShutOut(stranger);
  });

  it('who replays what a real plugin said is shut out', async () => {
    const first = await visit();
    const own = nonce();
    const nonces = { streamer: String(first.lines[0]?.nonce), plugin: own };
    const hello = { type: 'hello', nonce: own, proof: deriveControlKey(CREDENTIAL).sign('plugin', nonces) };
    first.say(hello);
    await until('the real one is welcome', () => first.lines.some(({ type }) => type === 'welcome'));
    first.socket.destroy();
    const second = await visit();
    second.say(hello);
    second.say(ATTACH);
    await isShutOut(second);
  });
});

describe('S4 plugin and streamer', () => {
  it('know the same proof of the proxy after the handshake, and never send it or the credential', async () => {
    let wire = '';
    const tap = createServer((inward) => {
      const outward = connect(socketPath());
      for (const [from, to] of [
        [inward, outward],
        [outward, inward],
      ] as const) {
        from.on('data', (chunk) => {
          wire += String(chunk);
          to.write(chunk);
        });
        from.once('close', () => to.destroy());
      }
    }).listen(path.join(directory, 'tap'));
    await once(tap, 'listening');
    const key = derivePluginKey(CREDENTIAL);
    const found = await connectControl(path.join(directory, 'tap'), key, { message: () => {}, closed: () => {} });
    if (found.kind !== 'streamer') throw new Error(`found ${found.kind}`);
    found.line.send({ type: 'attach', pid: process.pid, internalUrl: 'http://127.0.0.1:1/', corsOrigins: [] });
    await until('it is attached', () => attached.length > 0);
    expect(found.line.edgeProof).toBe(attached[0]?.edgeProof);
    expect(wire).toContain('welcome');
    expect(wire).not.toContain(found.line.edgeProof);
    expect(wire).not.toContain(CREDENTIAL);
    found.line.close();
    await until('the streamer knows', () => heard.includes('gone'));
    tap.close();
  });

  it('draw other proofs for each connection', async () => {
    const key = derivePluginKey(CREDENTIAL);
    const find = () => connectControl(socketPath(), key, { message: () => {}, closed: () => {} });
    const [first, second] = await Promise.all([find(), find()]);
    if (first?.kind !== 'streamer' || second?.kind !== 'streamer') throw new Error('not found');
    expect(first.line.edgeProof).not.toBe(second.line.edgeProof);
    first.line.close();
    second.line.close();
  });
});
