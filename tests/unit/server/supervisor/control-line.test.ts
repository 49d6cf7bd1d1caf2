import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { connectControl, deriveControlKey } from '../../../../server/src/supervisor';

const CREDENTIAL = randomBytes(32).toString('base64url');
const key = deriveControlKey(CREDENTIAL);
const nonce = () => randomBytes(32).toString('base64url');

let directory: string;
let server: Server | undefined;
/** What the plugin told the one at the socket. */
let told: Record<string, string>[];

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'control-'));
  told = [];
});
afterEach(() => {
  server?.close();
  rmSync(directory, { recursive: true });
});

type Pretend = (say: (message: unknown) => void, hello: Record<string, string> | null, socket: Socket) => void;

/** Somebody at the socket who acts when the plugin connects, and again when it has said hello. */
async function lookAt(pretend: Pretend) {
  server = createServer((socket) => {
    const say = (message: unknown) => void socket.write(`${JSON.stringify(message)}\n`);
    socket.on('error', () => undefined);
    socket.setEncoding('utf8').on('data', (text: string) => {
      for (const line of text.trim().split('\n')) {
        told.push(JSON.parse(line));
        pretend(say, told.at(-1) ?? null, socket);
      }
    });
    pretend(say, null, socket);
  }).listen(path.join(directory, 'control'));
  await once(server, 'listening');
  return connectControl(path.join(directory, 'control'), key, {
    message: () => void told.push({ type: 'taken for real' }),
    closed: () => undefined,
  });
}

const CHALLENGE = { type: 'challenge', nonce: nonce() };

describe('S4 a stranger at the place of the streamer', () => {
  it.each<[string, Pretend]>([
    ['speaks no JSON', (_say, _hello, socket) => void socket.write('220 mail.example ESMTP\r\n')],
    ['welcomes without a challenge', (say) => say({ type: 'welcome', proof: nonce() })],
    [
      'says that all is well',
      (say) => {
        const ports = { port: 1, opsPort: 1, rtmpPort: null, rtmpsPort: null };
        say({ type: 'attached', pid: 1, uptimeSeconds: 1, ports });
      },
    ],
    ['invents a proof', (say, hello) => say(hello === null ? CHALLENGE : { type: 'welcome', proof: nonce() })],
    [
      'sends the plugin’s proof back',
      (say, hello) => say(hello === null ? CHALLENGE : { type: 'welcome', proof: hello.proof }),
    ],
    [
      'holds another key',
      (say, hello) => {
        const nonces = { streamer: CHALLENGE.nonce, plugin: hello?.nonce ?? '' };
        const proof = deriveControlKey(nonce()).sign('streamer', nonces);
        say(hello === null ? CHALLENGE : { type: 'welcome', proof });
      },
    ],
    [
      'replays what a real streamer said to another',
      (say, hello) => {
        const proof = key.sign('streamer', { streamer: CHALLENGE.nonce, plugin: nonce() });
        say(hello === null ? CHALLENGE : { type: 'welcome', proof });
      },
    ],
    [
      'asks twice',
      (say) => {
        say(CHALLENGE);
        say(CHALLENGE);
      },
    ],
  ])('who %s is not adopted and learns neither credential nor proof', async (_what, pretend) => {
    expect(await lookAt(pretend)).toEqual({ kind: 'stranger' });
    for (const message of told)
      expect(message).toEqual({ type: 'hello', nonce: expect.any(String), proof: expect.any(String) });
    expect(JSON.stringify(told)).not.toContain(CREDENTIAL);
    const nonces = { streamer: CHALLENGE.nonce, plugin: told[0]?.nonce ?? '' };
    expect(JSON.stringify(told)).not.toContain(key.sign('edge', nonces));
  });

  it('who hangs up was not there', async () => {
    expect(await lookAt((_say, _hello, socket) => void socket.destroy())).toEqual({ kind: 'absent' });
  });

  it('where nobody listens, nobody is', async () => {
    const events = { message: () => {}, closed: () => {} };
    expect(await connectControl(path.join(directory, 'nothing'), key, events)).toEqual({ kind: 'absent' });
  });

  it('who proves itself is the streamer', async () => {
    const found = await lookAt((say, hello) => {
      const nonces = { streamer: CHALLENGE.nonce, plugin: hello?.nonce ?? '' };
      say(hello === null ? CHALLENGE : { type: 'welcome', proof: key.sign('streamer', nonces) });
    });
    expect(found.kind).toBe('streamer');
    if (found.kind === 'streamer') found.line.close();
  });
});
