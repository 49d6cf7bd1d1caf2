import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRtmpEnvironment } from '../../../../streamer/src/rtmp/environment';
import { readStreamAddress } from '../../../../streamer/src/rtmp/stream-address';
import { RtmpClient, readUrl } from '../../../clients/rtmp.mjs';
import { freePort } from '../../../support/free-port';
import { makeCertificate, type TlsCertificate } from '../../../support/tls-certificate';
import { until } from '../../../support/until';
import { drawnPackager, type Stage, startStage } from './stage';

let scratch: string;
let certificate: TlsCertificate;

beforeAll(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'rtmps-'));
  certificate = makeCertificate(scratch, 'localhost');
});
afterAll(() => rmSync(scratch, { recursive: true }));

async function expectRefusedStart(
  rtmp: Parameters<typeof startStage>[0],
  code: string,
  message: RegExp,
): Promise<void> {
  await expect(startStage(rtmp)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
}

describe('S21 plain RTMP off loopback', () => {
  it.each(['0.0.0.0', '::', '192.0.2.1', 'vod.example.org'])('on %s is refused at the start', (host) =>
    expectRefusedStart({ rtmp: { host } }, 'settings-invalid', /unencrypted/),
  );

  it('is served where it was permitted', async () => {
    const stage = await startStage({ rtmp: { host: '0.0.0.0', allowPlaintext: true } });
    expect(stage.rtmpPort).toBeGreaterThan(0);
    await stage.stop();
  });

  it.each(['127.0.0.1', '127.0.0.2', 'localhost'])('%s is loopback', async (host) => {
    const stage = await startStage({ rtmp: { host } });
    await stage.stop();
  });
});

describe('RTMPS', () => {
  let stage: Stage;
  const tls = () => ({ port: 0, keyFile: certificate.keyFile, certificateFile: certificate.certificateFile });

  async function secure(token: string): Promise<RtmpClient> {
    const options = { ca: certificate.pem, servername: 'localhost' };
    const client = await RtmpClient.connect({ port: stage.rtmpsPort ?? 0, tls: options });
    const { app, name } = readUrl(stage.rtmpUrl(token));
    await client.openApp(app);
    client.play(await client.createStream(), name);
    return client;
  }

  it('plays, alone where plain RTMP is turned off', async () => {
    stage = await startStage({ rtmp: { host: '0.0.0.0', port: null, tls: tls() } });
    expect(stage.rtmpPort).toBeNull();
    const client = await secure(await stage.plugin.mint({ protocols: ['rtmp'] }));
    await client.until(() => client.pictures().length > 10, 'pictures');
    client.close();
    await stage.stop();
  });

  it('S15 is cut off at once when the session ends, with what TLS had still to send', async () => {
    stage = await startStage({ rtmp: { tls: tls() }, show: drawnPackager({ bytesPerPicture: 200_000 }) });
    const token = await stage.plugin.mint({ protocols: ['rtmp'] });
    const client = await secure(token);
    await client.until(() => client.pictures().length > 2, 'pictures');
    client.socket.pause();
    stage.plugin.end(stage.plugin.sessionOf(token));
    await until('it is counted out', async () => (await stage.metric('protected_vod_continuous_streams')) === 0);
    client.socket.resume();
    await client.closed;
    expect(client.receivedBytes).toBeLessThan(32 * 1024 * 1024);
    await stage.stop();
  });

  it('plain RTMP on its port ends the connection and nothing else', async () => {
    stage = await startStage({ rtmp: { tls: tls() } });
    await expect(RtmpClient.connect({ port: stage.rtmpsPort ?? 0 })).rejects.toThrow();
    const client = await secure(await stage.plugin.mint({ protocols: ['rtmp'] }));
    await client.heard('NetStream.Play.Start');
    client.close();
    await stage.stop();
  });

  it('files that cannot be read or do not fit are refused at the start, without their paths', async () => {
    const missing = { ...tls(), keyFile: path.join(scratch, 'missing.pem') };
    await expectRefusedStart(
      { rtmp: { tls: missing } },
      'settings-invalid',
      /^The private key of RTMPS cannot be read\.$/,
    );
    const garbage = path.join(scratch, 'garbage.pem');
    writeFileSync(garbage, 'garbage');
    await expectRefusedStart(
      { rtmp: { tls: { ...tls(), keyFile: garbage } } },
      'settings-invalid',
      /do not work together/,
    );
  });
});

it('a port that is taken is told and does not end the process', async () => {
  const port = await freePort();
  const stage = await startStage({ rtmp: { port } });
  await expectRefusedStart({ rtmp: { port } }, 'listen-failed', /RTMP/);
  await stage.stop();
});

it('without RTMP in its settings a streamer has none', async () => {
  const stage = await startStage({ settings: { rtmp: undefined } });
  expect([stage.rtmpPort, stage.rtmpsPort]).toEqual([null, null]);
  await stage.stop();
});

describe('the address of a stream', () => {
  it.each([
    ['vod', 'abc?token=t', 't', 'abc'],
    ['vod/', 'mp4:abc.mp4?token=t', 't', 'abc'],
    ['vod/_definst_', 'flv:abc', '', 'abc'],
    ['vod?token=t', 'abc', 't', 'abc'],
    ['vod', 'abc?token=a&token=b', 'a', 'abc'],
    ['live', 'abc?token=t', 't', null],
    ['vod/x', 'abc?token=t', 't', null],
    ['vod', '../abc?token=t', 't', null],
    ['vod', 'ABC', '', null],
    ['vod', '', '', null],
  ])('%s and %s', (app, name, credential, video) => {
    expect(readStreamAddress(app, name)).toEqual({
      credential,
      resource: video === null ? null : { kind: 'rtmp', video },
    });
  });
});

describe('RTMP in the environment', () => {
  it('is absent where no port is named', () => {
    expect(readRtmpEnvironment({ PROTECTED_VOD_RTMP_HOST: '127.0.0.1' })).toBeUndefined();
  });

  it('RTMPS alone means no plain RTMP', () => {
    const env = {
      PROTECTED_VOD_RTMP_HOST: '0.0.0.0',
      PROTECTED_VOD_RTMPS_PORT: '1936',
      PROTECTED_VOD_RTMPS_KEY_FILE: '/k',
      PROTECTED_VOD_RTMPS_CERTIFICATE_FILE: '/c',
    };
    expect(readRtmpEnvironment(env)).toMatchObject({
      host: '0.0.0.0',
      port: null,
      tls: { port: 1936, keyFile: '/k', certificateFile: '/c' },
    });
  });
});
