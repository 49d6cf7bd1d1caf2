import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { playbackRefusalSchema, type VodEvent, vodEventSchema } from '../../server/contracts';
import { clip } from '../support/clips';
import { publishVideo, uploadFilm } from '../support/films';
import { freePort } from '../support/free-port';
import { hashOf, introspect, LAPTOP, PHONE, redeem, streamerKeysOf, streamerSide } from '../support/internal';
import { deleteFromMediaLibrary, uploadToMediaLibrary } from '../support/media-library';
import { askForToken, mint } from '../support/minting';
import { type PublishedSite, startPublishedSite } from '../support/playback-site';
import { readmeBlock } from '../support/readme-example';
import { describeTwoNodes } from '../support/second-node';
import { createSiteUser, type SiteUser } from '../support/strapi-accounts';
import { until } from '../support/until';
import { acceptHook, startWebhookReceiver, type WebhookReceiver } from '../support/webhook-receiver';

const newSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const SECRET = newSecret();

let site: PublishedSite;
let isRunning = false;
let receiver: WebhookReceiver;
/** Hears of films alone. */
let cinema: WebhookReceiver;
/** Takes connections and never answers. */
let silent: WebhookReceiver;
/** The receiver that the README shows, in a process of its own. */
const example = { process: null as ChildProcess | null, port: 0, secret: newSecret(), printed: '' };
let directory: string;
/** Everything that no payload may hold, gathered as the tests go. */
const secrets: string[] = [SECRET, example.secret];

async function startExample(): Promise<void> {
  directory = await mkdtemp(path.join(tmpdir(), 'protected-vod-receiver-'));
  const file = path.join(directory, 'receiver.mjs');
  await writeFile(file, readmeBlock('// receiver.mjs'));
  const env = { ...process.env, PORT: String(example.port), WEBHOOK_SECRET: example.secret };
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.on('data', (chunk) => {
    example.printed += String(chunk);
  });
  example.process = child;
  await until('the example listens', () => postToExample({}, '').catch(() => null));
}

const postToExample = (headers: Record<string, string>, body: string): Promise<number> =>
  fetch(`http://127.0.0.1:${example.port}/`, { method: 'POST', headers, body }).then(({ status }) => status);

beforeAll(async () => {
  [receiver, cinema, silent] = [
    await startWebhookReceiver(),
    await startWebhookReceiver(),
    await startWebhookReceiver(),
  ];
  silent.answer = () => undefined;
  example.port = await freePort();
  await startExample();
  const allowPrivateNetwork = true;
  site = await startPublishedSite({
    pluginConfig: {
      webhooks: [
        { url: `${receiver.url}/hooks?key=k3y`, secret: SECRET, allowPrivateNetwork },
        { url: cinema.url, secret: newSecret(), events: ['video.ready'], allowPrivateNetwork },
        { url: silent.url, secret: newSecret(), allowPrivateNetwork },
        { url: `http://127.0.0.1:${example.port}/`, secret: example.secret, allowPrivateNetwork },
      ],
    },
  });
  isRunning = true;
});

afterAll(async () => {
  if (isRunning) await site.app.stop();
  for (const one of [receiver, cinema, silent]) await one.close();
  example.process?.kill();
  await rm(directory, { recursive: true, force: true });
});

const eventsAt = (at: WebhookReceiver): VodEvent[] =>
  at.received.map(({ body }) => {
    const event = vodEventSchema.parse(JSON.parse(body));
    // Nothing besides, either.
    expect(event).toEqual(JSON.parse(body));
    return event;
  });
type Playback = Exclude<VodEvent, { type: 'video.ready' }>;
type Ready = Extract<VodEvent, { type: 'video.ready' }>;

/** What was told of one user, in the order of arrival. */
const toldOf = (user: SiteUser): Playback[] =>
  eventsAt(receiver).filter(
    (event): event is Playback => event.type !== 'video.ready' && event.data.user?.id === String(user.id),
  );
const toldOfFilm = (asset: string): Ready[] =>
  eventsAt(receiver).filter((event): event is Ready => event.type === 'video.ready' && event.data.asset === asset);
const assetOf = ({ url }: { url: string }) => url.split('/').at(-1) ?? '';

/** Waits for so many events about the user and gives their types. */
async function typesOf(user: SiteUser, count: number): Promise<string[]> {
  await until(`${count} events came`, () => toldOf(user).length >= count);
  return toldOf(user).map(({ type }) => type);
}

const newViewer = () => createSiteUser(site.app, site.role);

async function watch(viewer: SiteUser, video = site.video) {
  const { token } = await mint(site.app, video, viewer.jwt);
  const { sessionId } = await redeem(site.app, token);
  secrets.push(token, sessionId, hashOf(sessionId), viewer.jwt, viewer.email, viewer.password);
  return { token, sessionId, session: hashOf(sessionId) };
}

const editUser = (viewer: SiteUser, data: object) =>
  site.app.strapi.plugin('users-permissions').service('user').edit(viewer.id, data);

describe('playback.started and playback.ended', () => {
  it('tell the first use of a token and the end of its session, with what was sent', async () => {
    const viewer = await newViewer();
    const { session } = await watch(viewer);
    const streamer = streamerSide(site.app);
    await streamer.sync([{ session, bytes: 4321, mediaSeconds: 12.5 }]);
    await editUser(viewer, { blocked: true });
    await streamer.sync([{ session }]);
    expect(await typesOf(viewer, 2)).toEqual(['playback.started', 'playback.ended']);
    const [started, ended] = toldOf(viewer);
    const playback = {
      session: expect.stringMatching(/^[a-z0-9]{24}$/),
      user: { kind: 'user', id: String(viewer.id) },
      role: 'subscriber',
      video: site.video,
      asset: expect.stringMatching(/^[a-z0-9]{24}$/),
    };
    expect(started?.data).toMatchObject(playback);
    expect(ended?.data).toMatchObject({
      ...playback,
      session: started?.data.session,
      reason: 'user-blocked',
      bytes: 4321,
      mediaSeconds: 12.5,
    });
  });

  it('tell one start however often and however parallel the token is shown', async () => {
    const viewer = await newViewer();
    const { token } = await mint(site.app, site.video, viewer.jwt);
    await Promise.all(Array.from({ length: 20 }, () => introspect(site.app, token)));
    await editUser(viewer, { password: 'Aa1-something-else' });
    expect(await typesOf(viewer, 2)).toEqual(['playback.started', 'playback.ended']);
  });

  it('tell each session that one statement ended, and none where it was rolled back', async () => {
    const viewer = await newViewer();
    for (let at = 0; at < 3; at += 1) await watch(viewer);
    const undone = site.app.strapi.db.transaction(async () => {
      await editUser(viewer, { password: 'Aa1-something-else' });
      throw new Error('rolled back');
    });
    await expect(undone).rejects.toThrow('rolled back');
    await site.app.strapi.db.transaction(() => editUser(viewer, { password: 'Aa1-something-new' }));
    const types = await typesOf(viewer, 6);
    expect(types).toEqual([...Array(3).fill('playback.started'), ...Array(3).fill('playback.ended')]);
    expect(new Set(toldOf(viewer).map(({ data }) => data.session)).size).toBe(3);
    expect(new Set(toldOf(viewer).map(({ id }) => id)).size).toBe(6);
  });
});

describe('S26 playback.refused', () => {
  it('tells equal refusals once, with the reference that the viewer got and the reason that he did not get', async () => {
    const viewer = await newViewer();
    const video = await publishVideo(site.app, site.editor, { source: site.source, allowedRoles: ['gold'] });
    const answers = await Promise.all(Array.from({ length: 10 }, () => askForToken(site.app, video, viewer.jwt)));
    const references = new Set(answers.map(({ body }) => playbackRefusalSchema.parse(body).error.details.reference));
    // What comes later is told later.
    await watch(viewer);
    expect(await typesOf(viewer, 2)).toEqual(['playback.refused', 'playback.started']);
    expect(toldOf(viewer)[0]?.data).toMatchObject({
      video,
      reason: 'role-not-allowed',
      role: 'subscriber',
      rule: null,
    });
    expect([...references]).toEqual([(toldOf(viewer)[0] as { data: { reference: string } }).data.reference]);
  });

  it('tells of another client that was not let in', async () => {
    const viewer = await newViewer();
    const { token } = await watch(viewer);
    await introspect(site.app, token, LAPTOP, 0);
    expect(await typesOf(viewer, 2)).toEqual(['playback.started', 'playback.refused']);
    expect(toldOf(viewer)[1]?.data).toMatchObject({ reason: 'client-mismatch' });
  });
});

describe('video.ready', () => {
  it('tells of an uploaded film once, with the file that an entry can have as its source', async () => {
    const file = await uploadFilm(site.app, site.editor);
    await until('it came', () => toldOfFilm(assetOf(file)).length > 0);
    const [where, data] = [{ id: file.id }, { alternativeText: 'A film' }];
    await site.app.strapi.db.query('plugin::upload.file').update({ where, data });
    // What comes later is told later.
    const viewer = await newViewer();
    await watch(viewer);
    await typesOf(viewer, 1);
    expect(toldOfFilm(assetOf(file))).toMatchObject([{ data: { files: [file.id], videos: [] } }]);
    expect(toldOfFilm(assetOf(file))[0]?.data.durationSeconds).toBeGreaterThan(1);
  });

  it('tells of a film that replaced another one, with the entries that have it now', async () => {
    const { file } = await uploadToMediaLibrary(site.app, site.editor, { name: 'first.mp4', bytes: clip() });
    const video = await publishVideo(site.app, site.editor, { source: file.id });
    const other = { name: 'second.mp4', bytes: clip(), replaces: file.id };
    const replaced = (await uploadToMediaLibrary(site.app, site.editor, other)).file;
    expect(assetOf(replaced)).not.toBe(assetOf(file));
    await until('it came', () => toldOfFilm(assetOf(replaced)).length > 0);
    expect(toldOfFilm(assetOf(replaced))[0]?.data).toMatchObject({ files: [file.id], videos: [video] });
  });

  it('tells of a film that came back from the trash', async () => {
    const file = await uploadFilm(site.app, site.editor);
    await deleteFromMediaLibrary(site.app, site.editor, file.id);
    await site.app.strapi.plugin('protected-vod').service('asset').restore(assetOf(file));
    await until('both came', () => toldOfFilm(assetOf(file)).length > 1);
    expect(toldOfFilm(assetOf(file))[1]?.data.files).toHaveLength(1);
    expect(toldOfFilm(assetOf(file))[1]?.data.files).not.toEqual([file.id]);
  });

  it('is all that an endpoint hears which asked for nothing else', async () => {
    await watch(await newViewer());
    const file = await uploadFilm(site.app, site.editor);
    const assets = () => eventsAt(cinema).map(({ data }) => data.asset);
    await until('the film came', () => assets().includes(assetOf(file)));
    expect(new Set(eventsAt(cinema).map(({ type }) => type))).toEqual(new Set(['video.ready']));
  });
});

describe('Strapi’s event hub', () => {
  it('carries the same events, and no listener that fails or hangs is in the way', async () => {
    const { eventHub } = site.app.strapi;
    const viewer = await newViewer();
    const heard: VodEvent[] = [];
    const off = [
      eventHub.on(
        'protected-vod.playback.started',
        async (event: unknown) => void heard.push(vodEventSchema.parse(event)),
      ),
      eventHub.on('protected-vod.playback.started', async () => {
        throw new Error('a listener of the tests fails');
      }),
      eventHub.on('protected-vod.playback.ended', () => new Promise(() => undefined)),
    ];
    await watch(viewer);
    await editUser(viewer, { password: 'Aa1-something-else' });
    await typesOf(viewer, 2);
    for (const stop of off) stop();
    expect(heard).toEqual([toldOf(viewer)[0]]);
  });

  it('runs listeners outside the transaction in which something happens', async () => {
    const { eventHub, db } = site.app.strapi;
    const video = 'refused-in-a-transaction';
    const inTransaction = new Promise((resolve) => {
      const off = eventHub.on('protected-vod.playback.refused', async (event: unknown) => {
        if ((event as Playback).data.video !== video) return;
        off();
        resolve(db.inTransaction());
      });
    });
    await db.transaction(async () => {
      site.app.strapi.plugin('protected-vod').service('audit').record({ kind: 'refusal', video });
      expect(await inTransaction).toBe(false);
    });
  });
});

/** As Standard Webhooks has it, with the secret of the README's receiver. */
function signed(id: string, timestamp: number, body: string): Record<string, string> {
  const key = Buffer.from(example.secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` };
}

describe('the receiver that the README shows', () => {
  it('takes what Strapi sends', async () => {
    const viewer = await newViewer();
    await watch(viewer);
    await until('it prints the event', () => example.printed.includes(`playback.started ${site.video}`));
  });

  it('answers 401 to what is not signed, is signed by another secret, was changed or is old, and prints none of it', async () => {
    const viewer = await newViewer();
    await watch(viewer);
    await typesOf(viewer, 1);
    const { headers = {}, body: sent = '' } = receiver.received.at(-1) ?? {};
    const foreign = Object.fromEntries(
      ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => [name, String(headers[name])]),
    );
    const body = JSON.stringify({ id: 'event-1', type: 'playback.started', data: { video: 'made-by-the-test' } });
    expect(await postToExample({}, body)).toBe(401);
    expect(await postToExample(foreign, sent)).toBe(401);
    const now = Math.floor(Date.now() / 1000);
    const genuine = signed('event-1', now, body);
    expect(await postToExample(genuine, `${body} `)).toBe(401);
    expect(await postToExample({ ...genuine, 'webhook-id': 'event-2' }, body)).toBe(401);
    expect(await postToExample(signed('event-1', now - 3600, body), body)).toBe(401);
    expect(example.printed).not.toContain('made-by-the-test');
    expect(await postToExample(genuine, body)).toBe(204);
    const other = body.replace('event-1', 'event-2');
    // Shown again within its time it is accepted and does nothing.
    expect(await postToExample(genuine, body)).toBe(204);
    expect(await postToExample(signed('event-2', now, other), other)).toBe(204);
    await until('the other is printed', () => example.printed.split('made-by-the-test').length > 2);
    expect(example.printed.split('made-by-the-test')).toHaveLength(3);
  });
});

describe('an endpoint that fails', () => {
  it('gets the same event under the same id again, and what came meanwhile after it', async () => {
    const viewer = await newViewer();
    const ids: unknown[] = [];
    receiver.answer = (response, { headers }) => {
      ids.push(headers['webhook-id']);
      if (ids.length === 2) receiver.answer = acceptHook;
      response.writeHead(500).end();
    };
    await watch(viewer);
    await editUser(viewer, { password: 'Aa1-something-else' });
    await until('it was accepted', () => toldOf(viewer).length >= 4);
    expect(ids[1]).toBe(ids[0]);
    expect(toldOf(viewer).map(({ type }) => type)).toEqual([...Array(3).fill('playback.started'), 'playback.ended']);
    expect(new Set(toldOf(viewer).map(({ id }) => id)).size).toBe(2);
  });
});

describeTwoNodes('S26 two nodes', (node) => {
  const other = () => ({ ...site.app, ...node });

  /** Shows one token to all of them at once, then lets all of them find that its session has to end. */
  async function playAndStop(viewer: SiteUser, nodes: { url: string }[]): Promise<void> {
    const { token } = await mint(site.app, site.video, viewer.jwt);
    const answers = await Promise.all(nodes.map((one) => introspect({ ...site.app, ...one }, token)));
    const session = answers.flatMap((answer) => (answer.active ? [hashOf(answer.sessionId)] : []))[0] ?? '';
    await editUser(viewer, { blocked: true });
    await Promise.all(nodes.map((one) => streamerSide(site.app).sync([{ session }], { node: one })));
  }

  it('tell a start once, whichever node redeems, and an end once, whichever ends it', async () => {
    const viewers = await Promise.all(Array.from({ length: 5 }, newViewer));
    const everybody = [site.app, other(), site.app, other()];
    for (const viewer of viewers) await playAndStop(viewer, everybody);
    // Each node delivers in order: once its newest event is there, nothing older is on its way.
    for (const one of [site.app, other()]) {
      const last = await newViewer();
      await playAndStop(last, [one]);
      expect(await typesOf(last, 2)).toEqual(['playback.started', 'playback.ended']);
    }
    for (const viewer of viewers) {
      expect((await typesOf(viewer, 2)).toSorted()).toEqual(['playback.ended', 'playback.started']);
    }
  });
});

describe('S21 S26 what is sent', () => {
  it('holds no token, session id, hash, key, e-mail, password or network', () => {
    const sent = JSON.stringify([...receiver.received, ...cinema.received].map(({ body, headers }) => [body, headers]));
    const { credential } = streamerKeysOf(site.app);
    expect(secrets.length).toBeGreaterThan(20);
    for (const secret of [...secrets, credential, PHONE.addressPrefix, PHONE.agent, LAPTOP.addressPrefix]) {
      expect(sent).not.toContain(secret);
    }
    expect(receiver.received.map(({ body }) => body).join()).not.toMatch(/eyJ|ps_[A-Za-z0-9_-]{20}|\d+\.\d+\.\d+\.\d+/);
  });

  it('to a receiver that never answers is one request at a time; Strapi serves meanwhile and stops all the same', async () => {
    expect(silent.received.length).toBeGreaterThan(0);
    const seen = silent.received.length;
    await watch(await newViewer());
    expect(silent.received.length - seen).toBeLessThan(2);
    isRunning = false;
    await site.app.stop();
  });
});
