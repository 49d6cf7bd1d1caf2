import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../../../support/until';
import { type Site, startSite } from './harness';

const KEY = 'films/film.mp4.vod/poster.jpg';
const POSTER = { storageKey: KEY, sizeBytes: 8, version: 'version-of-poster' };

let site: Site;
beforeAll(async () => {
  site = await startSite();
  mkdirSync(path.join(site.storageRoot, 'films/film.mp4.vod'));
  writeFileSync(path.join(site.storageRoot, KEY), 'a poster');
});
afterAll(() => site.stop());
afterEach(() => {
  // What was remembered is old by now, and the rate limits are fresh.
  site.advance(120);
  site.plugin.faults = { renew: true };
  site.plugin.poster = null;
  site.plugin.posterQuestions.length = 0;
});

const show = (credential: string, method = 'GET') => site.ask(`/v/${credential}/poster.jpg`, { method });

describe('a poster', () => {
  it('is shown to anybody who has its credential, and the plugin is asked once a minute', async () => {
    site.plugin.poster = POSTER;
    const credential = await site.plugin.mintPoster();
    for (const from of ['127.0.0.1', '127.0.9.9']) {
      const { status, body, headers } = await site.ask(`/v/${credential}/poster.jpg`, { from });
      expect([status, body.toString(), headers['content-type']]).toEqual([200, 'a poster', 'image/jpeg']);
      // S19: segments alone may be kept.
      expect(headers['cache-control']).toBe('private, no-store');
    }
    await Promise.all(Array.from({ length: 20 }, () => show(credential)));
    expect(site.plugin.posterQuestions).toEqual([credential]);
    expect(site.plugin.introspections).toEqual([]);
    site.advance(61);
    expect((await show(credential)).status).toBe(200);
    expect(site.plugin.posterQuestions).toHaveLength(2);
  });

  it('is answered to HEAD, conditional requests and ranges as everything else', async () => {
    site.plugin.poster = POSTER;
    const address = `/v/${await site.plugin.mintPoster()}/poster.jpg`;
    const { headers } = await site.ask(address, { method: 'HEAD' });
    expect(headers['content-length']).toBe('8');
    const etag = String(headers.etag);
    expect((await site.ask(address, { headers: { 'if-none-match': etag } })).status).toBe(304);
    const part = await site.ask(address, { headers: { range: 'bytes=2-' } });
    expect([part.status, part.body.toString()]).toEqual([206, 'poster']);
  });

  it('asked for by many at once costs one question', async () => {
    site.plugin.poster = POSTER;
    const credential = await site.plugin.mintPoster();
    const answers = await Promise.all(Array.from({ length: 30 }, () => show(credential)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(site.plugin.posterQuestions).toHaveLength(1);
  });

  it('of a page of a hundred is shown as all of the others are', async () => {
    site.plugin.poster = POSTER;
    const posters = Array.from({ length: 100 }, (_, at) => site.plugin.mintPoster({ claims: { vid: `video${at}` } }));
    const answers = await Promise.all((await Promise.all(posters)).map((credential) => show(credential)));
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    expect(site.plugin.posterQuestions).toHaveLength(100);
  });

  it('S3 is refused before anything is asked where the credential is none of ours', async () => {
    site.plugin.poster = POSTER;
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const good = await site.plugin.mintPoster();
    const [head, body, signature = ''] = good.split('.');
    const wrong = [
      await site.plugin.mintPoster({ key: stranger }),
      await site.plugin.mintPoster({ header: { kid: 'k9' } }),
      await site.plugin.mintPoster({ header: { typ: 'JWT' } }),
      await site.plugin.mintPoster({ expiresInSeconds: -5 }),
      await site.plugin.mintPoster({ claims: { aud: 'others' } }),
      await site.plugin.mintPoster({ claims: { iss: 'others' } }),
      await site.plugin.mint(),
      `${head}.${body}.${'A'.repeat(signature.length)}`,
      'a.b.c',
      `${good}${'x'.repeat(2000)}`,
    ];
    for (const credential of wrong) {
      const { status, body: said } = await show(credential);
      expect([status, said.toString()]).toEqual([403, 'Forbidden\n']);
    }
    expect(site.plugin.posterQuestions).toEqual([]);
    expect((await show('')).status).toBe(401);
  });

  it('S3 forgeries of one address prefix are cut off, and posters go on elsewhere', async () => {
    site.plugin.poster = POSTER;
    const [head, body, signature = ''] = (await site.plugin.mintPoster()).split('.');
    const forge = (at: number) => `${head}.${body}.${String(at).padStart(6, 'A')}${signature.slice(6)}`;
    // At once: what a second gives back is not what this is about.
    const answers = await Promise.all(
      Array.from({ length: 140 }, (_, at) => site.ask(`/v/${forge(at)}/poster.jpg`, { from: '127.0.5.5' })),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403, 429]));
    expect((await show(await site.plugin.mintPoster())).status).toBe(200);
    expect(site.plugin.posterQuestions).toHaveLength(1);
  });

  it('that the plugin refuses is 403, and asked about again a little later', async () => {
    const credential = await site.plugin.mintPoster();
    expect([(await show(credential)).status, (await show(credential)).status]).toEqual([403, 403]);
    expect(site.plugin.posterQuestions).toHaveLength(1);
    site.plugin.poster = POSTER;
    site.advance(3);
    expect((await show(credential)).status).toBe(200);
  });

  it('S18 is 503 while the plugin cannot be asked, and shown as long as the last answer is good', async () => {
    site.plugin.poster = POSTER;
    const [known, other] = [
      await site.plugin.mintPoster(),
      await site.plugin.mintPoster({ claims: { vid: 'video2' } }),
    ];
    expect((await show(known)).status).toBe(200);
    site.plugin.faults.introspect = { status: 500, body: '' };
    expect([(await show(known)).status, (await show(other)).status]).toEqual([200, 503]);
    site.plugin.faults.introspect = { status: 200, body: '{"active":true}' };
    expect((await show(other)).status).toBe(503);
    site.advance(61);
    expect((await show(known)).status).toBe(503);
  });

  it('that is gone from the storage is 404, and one that leads out of it is not sent', async () => {
    const elsewhere = path.join(site.storageRoot, '../elsewhere.jpg');
    writeFileSync(elsewhere, 'secret');
    symlinkSync(elsewhere, path.join(site.storageRoot, 'films/link.jpg'));
    for (const [storageKey, status] of [
      ['films/none.jpg', 404],
      ['films/link.jpg', 500],
    ] as const) {
      site.plugin.poster = { ...POSTER, storageKey };
      const answer = await show(await site.plugin.mintPoster());
      expect([answer.status, answer.body.includes('secret')]).toEqual([status, false]);
      site.advance(120);
    }
    rmSync(elsewhere);
  });
});

describe('pictures under a session', () => {
  it('are those of its grant, with fixed types; 404 where none were made', async () => {
    const { sessionId, token } = await site.open();
    const at = (name: string) => site.ask(`/v/${sessionId}/${name}`);
    expect((await at('poster.jpg')).status).toBe(404);
    expect((await at('storyboard.vtt')).status).toBe(404);
    site.plugin.terms.asset.poster = POSTER;
    site.plugin.terms.asset.storyboard = { index: POSTER, sprite: POSTER };
    const made = await site.open();
    for (const [name, type] of [
      ['poster.jpg', 'image/jpeg'],
      ['storyboard.vtt', 'text/vtt; charset=utf-8'],
      ['storyboard.jpg', 'image/jpeg'],
    ] as const) {
      const { status, headers, body } = await site.ask(`/v/${made.sessionId}/${name}`);
      expect([name, status, headers['content-type'], body.toString()]).toEqual([name, 200, type, 'a poster']);
    }
    expect((await site.ask(`/v/${made.token}/storyboard.vtt`)).headers.location).toBe(
      `../${made.sessionId}/storyboard.vtt`,
    );
    // Showing a poster is no playback: no token leads there.
    expect((await site.ask(`/v/${token}/poster.jpg`)).status).toBe(403);
    for (const name of ['poster.png', 'poster.jpg/', 'storyboard', 'constructor', 'hls/poster.jpg', 'poster%2ejpg']) {
      expect((await at(name)).status, name).toBe(404);
    }
  });
});

// The last one: questions that were given up may still arrive.
describe('a poster that the plugin keeps waiting', () => {
  it('S17 keeps no newcomer from a film', async () => {
    const checks = () => site.metric('protected_vod_signature_checks_total');
    const before = await checks();
    site.plugin.faults.poster = 'hang';
    const posters = Array.from({ length: 60 }, (_, at) => site.plugin.mintPoster({ claims: { vid: `video${at}` } }));
    const shown = (await Promise.all(posters)).map((credential) => show(credential));
    await until('they are asked for', async () => (await checks()) - before >= 60);
    const { sessionId } = await site.open();
    expect((await site.ask(`/v/${sessionId}/hls/main.m3u8`)).status).toBe(200);
    expect(new Set((await Promise.all(shown)).map(({ status }) => status))).toEqual(new Set([503]));
  });
});
