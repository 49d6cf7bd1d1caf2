import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseProxyHeader } from '../../../../streamer/src/rtmp/proxy-header';
import { RtmpClient, readUrl } from '../../../clients/rtmp.mjs';
import { freePort } from '../../../support/free-port';
import { startServerProcess } from '../../../support/server-process';
import { makeCertificate } from '../../../support/tls-certificate';
import { HAPROXY } from '../../../support/tools';
import { until } from '../../../support/until';
import { type Stage, startStage } from './stage';

const text = (line: string) => Buffer.from(`${line}\r\n`, 'latin1');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const binary = (command: number, family: number, body: Buffer, length = body.length) => {
  const head = Buffer.alloc(4);
  head.writeUInt8(command, 0);
  head.writeUInt8(family, 1);
  head.writeUInt16BE(length, 2);
  return Buffer.concat([Buffer.from(SIGNATURE, 'hex'), head, body]);
};
const V4 = Buffer.from('cb007107c63364021f900790', 'hex');
const V6 = Buffer.from(`20010db8000100020000000000000007${'0'.repeat(32)}1f900790`, 'hex');
const TLVS = Buffer.from('04000561626364652000021234', 'hex');

const GOOD: Record<string, { header: Buffer; address: string | null }> = {
  'version 1, IPv4': { header: text('PROXY TCP4 203.0.113.7 198.51.100.2 8080 1936'), address: '203.0.113.7' },
  'version 1, IPv6': { header: text('PROXY TCP6 2001:DB8::7 ::1 8080 1936'), address: '2001:db8::7' },
  'version 1, IPv4 in IPv6': { header: text('PROXY TCP6 ::ffff:203.0.113.7 ::1 1 2'), address: '203.0.113.7' },
  'version 2, IPv4': { header: binary(0x21, 0x11, V4), address: '203.0.113.7' },
  'version 2, IPv6': { header: binary(0x21, 0x21, V6), address: '2001:db8:1:2::7' },
  'version 2 with more behind the addresses': {
    header: binary(0x21, 0x11, Buffer.concat([V4, TLVS])),
    address: '203.0.113.7',
  },
  'version 2, of the proxy itself': { header: binary(0x20, 0, Buffer.alloc(0)), address: null },
};

const BAD: Record<string, Buffer> = {
  'RTMP itself': Buffer.concat([Buffer.from([3]), randomBytes(100)]),
  'TLS itself': Buffer.from('160301020001', 'hex'),
  HTTP: text('GET / HTTP/1.1'),
  'POST, which begins like it': text('POST / HTTP/1.1'),
  'lower case': text('proxy TCP4 203.0.113.7 198.51.100.2 8080 1936'),
  'an unknown address': text('PROXY UNKNOWN'),
  'an unknown address with more': text('PROXY UNKNOWN 203.0.113.7 198.51.100.2 8080 1936'),
  'an address of the other family': text('PROXY TCP4 2001:db8::7 ::1 8080 1936'),
  'no address': text('PROXY TCP4 203.0.113 198.51.100.2 8080 1936'),
  'an address with a zone': text('PROXY TCP6 fe80::1%eth0 ::1 8080 1936'),
  'a name': text('PROXY TCP4 localhost 198.51.100.2 8080 1936'),
  'two spaces': text('PROXY TCP4  203.0.113.7 198.51.100.2 8080 1936'),
  'one port': text('PROXY TCP4 203.0.113.7 198.51.100.2 8080'),
  'a port beyond 16 bits': text('PROXY TCP4 203.0.113.7 198.51.100.2 8080 65536'),
  'a port below 0': text('PROXY TCP4 203.0.113.7 198.51.100.2 -1 1936'),
  'a line feed alone, and then a line': text('PROXY TCP4 203.0.113.7 198.51.100.2 8080 1936\nPROXY'),
  'a null byte': text('PROXY TCP4 203.0.113.7\0 198.51.100.2 8080 1936'),
  'a line without end': Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`),
  'a line that ends behind 107 bytes': text(`PROXY TCP4 203.0.113.7 198.51.100.2 8080 ${'0'.repeat(80)}`),
  'version 1 in binary': binary(0x11, 0x11, V4),
  'version 3': binary(0x31, 0x11, V4),
  'a command of its own': binary(0x22, 0x11, V4),
  'no family': binary(0x21, 0x00, V4),
  UDP: binary(0x21, 0x12, V4),
  'a Unix socket': binary(0x21, 0x31, Buffer.alloc(216)),
  'IPv4 in fewer bytes than it has': binary(0x21, 0x11, V4.subarray(0, 8)),
  'IPv6 in the bytes of IPv4': binary(0x21, 0x21, V4),
  'no addresses': binary(0x21, 0x11, Buffer.alloc(0)),
  'more than anybody adds': binary(0x21, 0x11, V4, 0xffff),
  'a signature with a wrong byte': Buffer.concat([Buffer.from('0d0a0d0a000d0a515549540b', 'hex'), Buffer.alloc(16)]),
};

describe('a PROXY header', () => {
  it.each(Object.entries(GOOD))('%s is read, whatever follows', (_name, { header, address }) => {
    const expected = { kind: 'header', byteLength: header.length, address };
    expect(parseProxyHeader(header)).toEqual(expected);
    expect(parseProxyHeader(Buffer.concat([header, Buffer.from([3, 13, 10])]))).toEqual(expected);
  });

  it.each(Object.entries(GOOD))('%s is waited for to its last byte', (_name, { header }) => {
    for (let length = 0; length < header.length; length += 1)
      expect(parseProxyHeader(header.subarray(0, length))).toEqual({ kind: 'incomplete' });
  });

  it.each(Object.entries(BAD))('%s is none', (_name, bytes) => {
    expect(parseProxyHeader(bytes)).toEqual({ kind: 'malformed' });
  });

  it('that is noise throws nothing and names no address that is none', () => {
    for (let round = 0; round < 5000; round += 1) {
      const { header } = Object.values(GOOD)[round % Object.keys(GOOD).length] ?? { header: Buffer.alloc(0) };
      const mutant = Buffer.from(header);
      mutant[Math.floor(Math.random() * mutant.length)] = Math.floor(Math.random() * 256);
      const parsed = parseProxyHeader(mutant);
      if (parsed.kind === 'header' && parsed.address !== null) expect(net.isIP(parsed.address)).toBeGreaterThan(0);
    }
  });
});

let stage: Stage;
let scratch: string;

beforeAll(async () => {
  scratch = await mkdtemp(path.join(tmpdir(), 'proxy-header-'));
  const { keyFile, certificateFile } = makeCertificate(scratch, 'localhost');
  stage = await startStage({
    rtmp: { proxyProtocol: true, tls: { port: 0, keyFile, certificateFile } },
    settings: { trustedProxies: ['127.0.0.1'] },
  });
});
afterAll(async () => {
  await stage.stop();
  await rm(scratch, { recursive: true });
});

async function connectFrom(from: string, port = stage.rtmpPort): Promise<net.Socket> {
  const socket = net.connect({ port: port ?? 0, host: '127.0.0.1', localAddress: from });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Plays over a connection on which nothing but a header was said; returns the network that the plugin was told. */
async function play(socket: net.Socket): Promise<string | undefined> {
  const client = new RtmpClient(socket);
  await client.shakeHands();
  const { app, name } = readUrl(stage.rtmpUrl(await stage.plugin.mint({ protocols: ['rtmp'] })));
  await client.openApp(app);
  client.play(await client.createStream(), name);
  await client.until(() => client.pictures().length > 5, 'pictures');
  client.close();
  return stage.plugin.introspections.at(-1)?.client.addressPrefix;
}

async function isClosedWithoutAnswer(socket: net.Socket): Promise<boolean> {
  let heard = 0;
  socket.on('data', (data) => {
    heard += data.length;
  });
  if (!socket.closed) await once(socket, 'close');
  return heard === 0;
}

const V1 = text('PROXY TCP4 203.0.113.7 198.51.100.2 8080 1936');

describe('RTMP behind a trusted proxy that speaks the PROXY protocol', () => {
  it.each([
    ['version 1', V1, '203.0.113.0/24'],
    ['version 2', binary(0x21, 0x21, V6), '2001:db8:1::/56'],
    ['the proxy itself', binary(0x20, 0, Buffer.alloc(0)), '127.0.0.0/24'],
  ])('S11 the viewer is who the header names, %s', async (_name, header, prefix) => {
    const socket = await connectFrom('127.0.0.1');
    socket.write(header);
    expect(await play(socket)).toBe(prefix);
  });

  it('a header may come byte by byte', async () => {
    const socket = await connectFrom('127.0.0.1');
    socket.setNoDelay(true);
    for (const byte of V1) {
      socket.write(Buffer.from([byte]));
      await new Promise(setImmediate);
    }
    expect(await play(socket)).toBe('203.0.113.0/24');
  });

  it('over TLS too, where it comes before TLS begins', async () => {
    const raw = await connectFrom('127.0.0.1', stage.rtmpsPort);
    raw.write(V1);
    const secure = tls.connect({ socket: raw, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    expect(await play(secure)).toBe('203.0.113.0/24');
  });

  it('a client past the proxy is who it is', async () => {
    expect(await play(await connectFrom('127.0.7.1'))).toBe('127.0.7.0/24');
  });

  it.each([
    ['version 1', V1],
    ['version 2', binary(0x21, 0x11, V4)],
  ])('S11 a header of anybody else is garbage, %s', async (_name, header) => {
    const asked = stage.plugin.introspections.length;
    const socket = await connectFrom('127.0.7.1');
    socket.write(header);
    expect(await isClosedWithoutAnswer(socket)).toBe(true);
    expect(stage.plugin.introspections).toHaveLength(asked);
  });

  it.each(Object.entries(BAD).filter(([name]) => name !== 'a line without end'))(
    'a proxy that begins with %s is let go',
    async (_name, bytes) => {
      for (const port of [stage.rtmpPort, stage.rtmpsPort]) {
        const socket = await connectFrom('127.0.0.1', port);
        socket.write(bytes);
        expect(await isClosedWithoutAnswer(socket)).toBe(true);
      }
    },
  );

  it('a proxy that says nothing, or half a header, is let go, and what it had open is counted out', async () => {
    const silent = [await connectFrom('127.0.0.1'), await connectFrom('127.0.0.1', stage.rtmpsPort)];
    silent[0]?.write(V1.subarray(0, 20));
    expect(await Promise.all(silent.map(isClosedWithoutAnswer))).toEqual([true, true]);
    await until('nothing is counted', async () => (await stage.metric('protected_vod_continuous_streams')) === 0);
  });

  it('a proxy that leaves before its header leaves nothing behind', async () => {
    const socket = await connectFrom('127.0.0.1');
    socket.end(V1.subarray(0, 5));
    await once(socket, 'close');
  });

  it('is not to be had without naming a proxy', async () => {
    await expect(startStage({ rtmp: { proxyProtocol: true } })).rejects.toMatchObject({ code: 'settings-invalid' });
  });
});

describe.skipIf(!HAPROXY)('HAProxy in front (needs haproxy)', () => {
  it.each(['send-proxy', 'send-proxy-v2'])('%s: the plugin is told the network of the viewer', async (how) => {
    const port = await freePort();
    const config = [
      'global',
      'defaults',
      '  mode tcp',
      ...['connect', 'client', 'server'].map((what) => `  timeout ${what} 10s`),
      'listen rtmp',
      `  bind 127.0.0.1:${port}`,
      `  server s1 127.0.0.1:${stage.rtmpPort} ${how}`,
    ];
    const file = path.join(scratch, `${how}.cfg`);
    await writeFile(file, `${config.join('\n')}\n`);
    const haproxy = await startServerProcess({ file: HAPROXY ?? '', args: ['-db', '-f', file], port });
    expect(await play(await connectFrom('127.0.9.1', port))).toBe('127.0.9.0/24');
    await haproxy.stop();
  });
});
