import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, sendAsAdmin, uploadFilm, VIDEO_ROUTE } from '../support/films';
import { hashOf, redeem, syncingStreamer } from '../support/internal';
import { askForToken, mint } from '../support/minting';
import { startPublishedSite } from '../support/playback-site';
import type { AdminAccount, SiteUser } from '../support/strapi-accounts';
import type { StrapiApp } from '../support/strapi-app';
import { requestedServer } from '../support/test-database';

const VIDEO = 'plugin::protected-vod.video';

let app: StrapiApp;
let editor: AdminAccount;
let viewer: SiteUser;
let source: number;

async function publish(documentId: string, locale: string, fields: object): Promise<void> {
  const entry = `${VIDEO_ROUTE}/${documentId}`;
  await sendAsAdmin(app, editor, `${entry}?locale=${locale}`, { title: locale, ...fields }, 'PUT');
  await sendAsAdmin(app, editor, `${entry}/actions/publish?locale=${locale}`, { title: locale, ...fields });
}

const askIn = async (documentId: string, locale: string) =>
  (await askForToken(app, documentId, viewer.jwt, `?locale=${locale}`)).status;

beforeAll(async () => {
  ({ app, editor, viewer, source } = await startPublishedSite());
  await sendAsAdmin(app, editor, '/i18n/locales', { name: 'German (de)', code: 'de', isDefault: false });
});

afterAll(() => app.stop());

describe('S10 source and access fields are one for all locales', () => {
  it('a rule published in one language holds for what is published in another', async () => {
    const video = await publishVideo(app, editor, { source });
    await publish(video, 'de', {});
    expect([await askIn(video, 'en'), await askIn(video, 'de')]).toEqual([200, 200]);
    await publish(video, 'en', { source, allowedRoles: ['nobody'] });
    expect([await askIn(video, 'en'), await askIn(video, 'de')]).toEqual([403, 403]);
    await publish(video, 'de', { source, allowedRoles: ['subscriber'] });
    expect([await askIn(video, 'en'), await askIn(video, 'de')]).toEqual([200, 200]);
  });

  it('a film replaced in one language is replaced in all', async () => {
    const video = await publishVideo(app, editor, { source });
    await publish(video, 'de', {});
    const cut = (await uploadFilm(app, editor)).id;
    await publish(video, 'en', { source: cut });
    const rows: { source: { id: number } }[] = await app.strapi.db
      .query(VIDEO)
      .findMany({ where: { documentId: video, publishedAt: { $notNull: true } }, populate: ['source'] });
    expect(rows.map((row) => row.source.id)).toEqual([cut, cut]);
  });

  it('ends a session that plays in the other language', async () => {
    const video = await publishVideo(app, editor, { source });
    await publish(video, 'de', {});
    const minted = await askForToken(app, video, viewer.jwt, '?locale=de');
    const { token } = (minted.body as { data: { token: string } }).data;
    const { sessionId } = await redeem(app, token);
    await publish(video, 'en', { source, allowedRoles: ['nobody'] });
    const answer = await syncingStreamer(app)([{ session: hashOf(sessionId) }]);
    expect(answer.results[0]?.state).toBe('ended');
  });

  it('a draft saved but not published changes nothing', async () => {
    const video = await publishVideo(app, editor, { source });
    await publish(video, 'de', {});
    await sendAsAdmin(app, editor, `${VIDEO_ROUTE}/${video}`, { title: 'en', source, allowedRoles: ['nobody'] }, 'PUT');
    expect([await askIn(video, 'en'), await askIn(video, 'de')]).toEqual([200, 200]);
  });
});

/** Text that is no JSON: only SQLite keeps it. */
const BARE_WORDS: [string, string][] =
  requestedServer() === null
    ? [
        ['a word', 'subscriber'],
        ['an empty word', ''],
      ]
    : [];

describe('allowedRoles that nobody can read', () => {
  it.each([
    ...BARE_WORDS,
    ['an object', { subscriber: true }],
    ['a list with a gap', ['subscriber', null]],
    ['a list of lists', [['subscriber']]],
    ['false', false],
  ])('%s lets nobody in, and is no fault of the server', async (_, allowedRoles) => {
    const video = await publishVideo(app, editor, { source, allowedRoles: allowedRoles as string[] });
    const answer = await askForToken(app, video, viewer.jwt);
    expect([answer.status, answer.code]).toEqual([403, 'not-entitled']);
  });

  it('end a running session at the next sync', async () => {
    const video = await publishVideo(app, editor, { source });
    const { sessionId } = await redeem(app, (await mint(app, video, viewer.jwt)).token);
    await publish(video, 'en', { source, allowedRoles: { subscriber: true } });
    const answer = await syncingStreamer(app)([{ session: hashOf(sessionId) }]);
    expect(answer.results[0]?.state).toBe('ended');
  });
});

describe('S6 a change that takes its time to commit', () => {
  it('makes due also what was decided while it ran', async () => {
    const video = await publishVideo(app, editor, { source });
    const { sessionId } = await redeem(app, (await mint(app, video, viewer.jwt)).token);
    const where = { sessionHash: hashOf(sessionId) };
    const sessions = app.strapi.db.query('plugin::protected-vod.playback-session');
    const { store } = app.strapi.plugin('protected-vod').service('playback-session');
    await app.strapi.db.transaction(async () => {
      await store.markDue({ video });
      // As a redemption on another connection leaves it, which has seen nothing of this transaction.
      await sessions.update({ where, data: { leaseDue: String(Date.now() + 60_000) } });
    });
    await expect.poll(async () => Number((await sessions.findOne({ where })).leaseDue)).toBe(0);
  });
});
