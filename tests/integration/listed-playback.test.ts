import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publishVideo, sendAsAdmin, unpublishVideo, uploadFilm, VIDEO_ROUTE } from '../support/films';
import { workerSide } from '../support/ingest-worker';
import { introspect, redeem } from '../support/internal';
import { listByGraphql, listByRest, playbackOf } from '../support/listed-playback';
import { askForToken, mint } from '../support/minting';
import { PLAY, type PublishedSite, startPublishedSite } from '../support/playback-site';
import { setPolicies } from '../support/policies';
import { fewestStatementsOf, untilDatabaseIsQuiet } from '../support/sql-statements';
import {
  createSiteRole,
  createSiteUser,
  findSiteRole,
  grantPermission,
  type SiteUser,
} from '../support/strapi-accounts';

const VIDEO = 'plugin::protected-vod.video';
const COURSE = 'api::course.course';
const ORDER = 'api::order.order';
const PAGE = 'api::page.page';
const READ = [
  `${VIDEO}.find`,
  `${VIDEO}.findOne`,
  `${COURSE}.find`,
  `${COURSE}.findOne`,
  `${ORDER}.find`,
  `${PAGE}.find`,
  `${PAGE}.findOne`,
  'plugin::users-permissions.user.me',
];
const ENTRIES = 100;
/** Statements more than without playback. */
const BUDGET = 3;
/** Requests of one API token. */
const LISTS = 2;

const RULES = [
  {
    name: 'bought',
    roles: ['customer'],
    videosOf: { uid: COURSE, filters: { videos: '$video' } },
    uid: ORDER,
    filters: { state: 'paid', user: '$user', course: { videos: '$video' } },
  },
];

/** Where 100 videos can be found, each once. */
const LISTS_OF_ENTRIES = [
  ['videos over REST', 'protected-vod/videos?pagination[pageSize]=100&filters[slug]=entry', null],
  ['courses over REST', 'courses?populate=videos&pagination[pageSize]=100&filters[title]=One of many', null],
  ['videos over GraphQL', null, 'protectedVodVideos(filters: { slug: { eq: "entry" } }, pagination: { limit: 100 })'],
  ['courses over GraphQL', null, 'courses(filters: { title: { eq: "One of many" } }, pagination: { limit: 100 })'],
] as const;

let site: PublishedSite;
/** Of a role that the rule is about. */
let customer: SiteUser;

const strapi = () => site.app.strapi;
const flushAudit = () => strapi().plugin('protected-vod').service('audit').flush();
const rows = (uid: string) => strapi().db.query(uid as never);
const documents = (uid: string) => strapi().documents(uid as never);
const newVideo = (fields: object = {}) => publishVideo(site.app, site.editor, { source: site.source, ...fields });
const rest = (path: string, bearer: string | null = site.viewer.jwt) => listByRest(site.app, path, bearer);
const graphql = (query: string, bearer: string | null = site.viewer.jwt) => listByGraphql(site.app, query, bearer);
const restOf = (video: string, bearer?: string | null) =>
  rest(`protected-vod/videos?filters[documentId]=${video}&playback=true`, bearer);
const graphqlOf = (video: string, bearer?: string | null) =>
  graphql(
    `{ protectedVodVideo(documentId: "${video}") { documentId playback { token poster storyboard } playbackRefusal } }`,
    bearer,
  );

async function newCourse(videos: string[], more: object = {}): Promise<string> {
  const data = { title: 'A course', videos, ...more } as never;
  return (await documents(COURSE).create({ data, status: 'published' })).documentId;
}

/** As rows: through the Content Manager a hundred would take their time. */
async function createEntries(): Promise<void> {
  const documentId = () => randomBytes(12).toString('hex');
  const published = () => ({ documentId: documentId(), publishedAt: new Date() });
  for (let at = 0; at < ENTRIES; at += 1) {
    const fields = { title: `Entry ${at}`, slug: 'entry', locale: 'en', source: site.source };
    const video = await rows(VIDEO).create({ data: { ...published(), ...fields } as never });
    await rows(COURSE).create({ data: { ...published(), title: 'One of many', videos: [video.id] } as never });
  }
}

const apiToken = async (type: 'full-access' | 'custom'): Promise<string> => {
  const permissions = type === 'custom' ? [PLAY, `${VIDEO}.find`] : null;
  const name = `${type}-${randomBytes(4).toString('hex')}`;
  const data = { name, description: '', type, lifespan: null, permissions };
  return (await strapi().service('admin::api-token').create(data)).accessKey;
};

beforeAll(async () => {
  site = await startPublishedSite({
    pluginConfig: { rules: RULES, rateLimits: { mint: { perUser: null, perPrefix: null, perApiToken: LISTS } } },
  });
  await workerSide(site.app).finishAll();
  const shop = await createSiteRole(site.app, 'customer');
  for (const role of [site.role, shop]) for (const action of READ) await grantPermission(site.app, role, action);
  await grantPermission(site.app, shop, PLAY);
  customer = await createSiteUser(site.app, shop);
  await sendAsAdmin(site.app, site.editor, '/i18n/locales', { name: 'German (de)', code: 'de', isDefault: false });
  await createEntries();
});

afterAll(() => site.app.stop());

/** Asks for the list as it is and with playback; returns the answer with, and what each made of the database. */
async function compared(path: string | null, field: string | null, user: SiteUser) {
  const ask = (isWith: boolean) => {
    if (path !== null) return rest(isWith ? `${path}&playback=true` : path, user.jwt);
    const more = isWith ? 'playback { token expiresAt urls { hls mp4 } poster storyboard } playbackRefusal' : '';
    const fields = field?.startsWith('courses') ? `title videos { documentId ${more} }` : `documentId ${more}`;
    return graphql(`{ ${field} { ${fields} } }`, user.jwt);
  };
  await ask(false);
  await flushAudit();
  await untilDatabaseIsQuiet(site.app);
  const without = await fewestStatementsOf(site.app, () => ask(false));
  let answer = await ask(true);
  const statements = await fewestStatementsOf(site.app, async () => {
    answer = await ask(true);
  });
  return { answer, statements, without };
}

/** Is read once in five seconds by whoever signs first, so it counts for each. */
const isOfSigningKeys = (sql: string) => sql.includes('protected_vod_key_rotations');

/** How many statements playback costs at most. */
function costOf({ statements, without }: { statements: string[]; without: string[] }): number {
  const own = (all: string[]) => all.filter((sql) => !isOfSigningKeys(sql)).length;
  return own(statements) - own(without) + 1;
}

const isWrite = (sql: string) => /^(insert|update|delete|replace)\b/i.test(sql);

describe.each(LISTS_OF_ENTRIES)(`a list of ${ENTRIES} %s`, (_name, path, field) => {
  it(`with playback costs at most ${BUDGET} queries more than without, and writes nothing`, async () => {
    const { answer, statements, without } = await compared(path, field, site.viewer);
    expect(answer.videos.filter(({ playback }) => playback)).toHaveLength(ENTRIES);
    expect(new Set(answer.videos.map(({ playback }) => playback?.token)).size).toBe(ENTRIES);
    expect(costOf({ statements, without }), statements.join('\n')).toBeLessThanOrEqual(BUDGET);
    expect(statements.filter(isWrite)).toEqual([]);
    expect(answer.cacheControl).toBe('no-store');
  });

  it('costs no more where sessions and views are limited and all places are taken', async () => {
    const limited = { maxConcurrent: 1, views: { limit: 1, windowSeconds: 3600 } };
    await setPolicies(site.app, site.editor, { roles: { subscriber: limited } });
    const user = await createSiteUser(site.app, site.role);
    await redeem(site.app, (await mint(site.app, site.video, user.jwt)).token);
    const { answer, statements, without } = await compared(path, field, user);
    await setPolicies(site.app, site.editor, { roles: {} });
    expect(new Set(answer.videos.map(({ playbackRefusal }) => playbackRefusal))).toEqual(
      new Set(['too-many-sessions']),
    );
    expect(answer.videos).toHaveLength(ENTRIES);
    expect(costOf({ statements, without }), statements.join('\n')).toBeLessThanOrEqual(BUDGET);
  });
});

it('the queries of a rule come on top, as many for a hundred videos as for one', async () => {
  const [, path] = LISTS_OF_ENTRIES[0];
  const many = await compared(path, null, customer);
  const one = await compared(path.replace('pageSize]=100', 'pageSize]=1'), null, customer);
  expect([many.answer.videos.length, one.answer.videos.length]).toEqual([ENTRIES, 1]);
  expect(costOf(many), many.statements.join('\n')).toBe(costOf(one));
  expect(many.answer.videos.every(({ playbackRefusal }) => playbackRefusal === 'not-entitled')).toBe(true);
});

describe('a list', () => {
  it('says nothing of playback unless it is asked for', async () => {
    for (const query of ['', '&playback=false']) {
      const { status, body, cacheControl } = await rest(`protected-vod/videos?pagination[pageSize]=1${query}`);
      expect([status, cacheControl]).toEqual([200, null]);
      expect(JSON.stringify(body)).not.toContain('playback');
    }
    expect((await rest('protected-vod/videos?playback=yes')).status).toBe(400);
  });

  it('answers what the token endpoint would, and its token opens a session', async () => {
    const picture = { name: 'p.png', hash: 'p', ext: '.png', mime: 'image/png', size: 1, url: '/uploads/p.png' };
    const poster = await rows('plugin::upload.file').create({
      data: { ...picture, provider: 'local', folderPath: '/' } as never,
    });
    const video = await newVideo({ poster: poster.id });
    const [listed] = (await restOf(video)).videos;
    const { token, urls, expiresAt, ...rest } = playbackOf(listed ?? { documentId: '' });
    const minted = await mint(site.app, video, site.viewer.jwt);
    const isLike = (url: string | undefined) => url?.replace(minted.token, token);
    expect(minted.poster).toBe(picture.url);
    const { durationSeconds, poster: shown, storyboard } = minted;
    expect(rest).toEqual({
      expiresInSeconds: 60,
      durationSeconds,
      poster: shown,
      storyboard: isLike(storyboard ?? ''),
      ...{ textTracks: [], chapters: null, waveform: null },
    });
    expect(urls).toEqual(Object.fromEntries(Object.entries(minted.urls).map(([name, url]) => [name, isLike(url)])));
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now());
    expect(await redeem(site.app, token)).toMatchObject({ active: true, grant: { video } });
  });

  it('shows the poster that was made of the film where no editor picked one, at the address that is everybody’s', async () => {
    const video = await newVideo();
    const answers = [(await restOf(video)).videos, (await graphqlOf(video)).videos].map(([listed]) => listed);
    const { poster } = await mint(site.app, video, site.viewer.jwt);
    expect(poster).toMatch(/^https:\/\/video\.example\.test\/v\/[^/]+\/poster\.jpg$/);
    expect(answers.map((listed) => listed?.playback?.poster)).toEqual([poster, poster]);
    expect(answers.every((listed) => String(listed?.playback?.storyboard).endsWith('/storyboard.vtt'))).toBe(true);
  });

  it('S5 is no promise: who loses the right before the token is used is refused', async () => {
    const video = await newVideo();
    const [listed] = (await restOf(video)).videos;
    await unpublishVideo(site.app, site.editor, video);
    expect(await introspect(site.app, listed?.playback?.token ?? '')).toEqual({ active: false, final: false });
  });

  it.each([
    [
      'has to be transcoded first',
      { verdict: 'transcode-first', verdictReason: 'has-hidden-part' },
      'not-available-yet',
    ],
    ['was not judged', { verdict: null, verdictReason: null }, 'not-available-yet'],
    ['is refused by now', { verdict: 'refused', verdictReason: 'film-is-too-long' }, 'not-found'],
  ])(
    'of a film that %s has none, nor has the token endpoint, and a token from before opens nothing',
    async (_, judged, code) => {
      const { id: source } = await uploadFilm(site.app, site.editor);
      const video = await newVideo({ source });
      const before = await mint(site.app, video, site.viewer.jwt);
      const { documentId } = await strapi().plugin('protected-vod').service('asset').findByFileId(source);
      await rows('plugin::protected-vod.asset').update({ where: { documentId }, data: judged as never });
      expect((await restOf(video)).videos).toMatchObject([{ playback: null, playbackRefusal: code }]);
      expect((await graphqlOf(video)).videos).toMatchObject([{ playback: null, playbackRefusal: code }]);
      expect(await askForToken(site.app, video, site.viewer.jwt)).toMatchObject({ code });
      expect(await introspect(site.app, before.token)).toEqual({ active: false, final: false });
    },
  );

  it('of drafts, also of a published video, has none', async () => {
    const course = await newCourse([await newVideo()]);
    const path = `courses/${course}?populate=videos&playback=true`;
    expect((await rest(`${path}&status=draft`)).videos).toMatchObject([
      { playback: null, playbackRefusal: 'not-found' },
    ]);
    expect((await rest(path)).videos).toMatchObject([{ playback: {}, playbackRefusal: null }]);
    const query = (status: string) =>
      `{ course(documentId: "${course}", status: ${status}) { videos { documentId playback { token } playbackRefusal } } }`;
    expect((await graphql(query('DRAFT'))).videos).toMatchObject([{ playback: null, playbackRefusal: 'not-found' }]);
    expect((await graphql(query('PUBLISHED'))).videos).toMatchObject([{ playback: {}, playbackRefusal: null }]);
  });

  it('of another language has tokens of that language', async () => {
    const video = await newVideo();
    const fields = { title: 'Ein Film', source: site.source };
    await sendAsAdmin(site.app, site.editor, `${VIDEO_ROUTE}/${video}?locale=de`, fields, 'PUT');
    await sendAsAdmin(site.app, site.editor, `${VIDEO_ROUTE}/${video}/actions/publish?locale=de`, fields);
    const path = `protected-vod/videos?filters[documentId]=${video}&playback=true`;
    const { videos } = await rest(`${path}&locale=de&populate=localizations`);
    const locales = videos.map(({ playback }) => {
      const [, claims = ''] = playback?.token.split('.') ?? [];
      return JSON.parse(Buffer.from(claims, 'base64url').toString()).loc;
    });
    // The nested one is found within the other.
    expect(locales).toEqual(['de']);
    const query = `{ protectedVodVideos(locale: "de", filters: { documentId: { eq: "${video}" } }) {
      locale localizations { documentId playback { token } playbackRefusal } } }`;
    const [nested] = (await graphql(query)).videos;
    const [, claims = ''] = nested?.playback?.token.split('.') ?? [];
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString()).loc).toBe('en');
  });

  it('of more than a hundred videos counts as two requests', async () => {
    const token = await apiToken('custom');
    const hundred = 'protectedVodVideos(filters: { slug: { eq: "entry" } }, pagination: { limit: 100 })';
    const another = `protectedVodVideos(filters: { documentId: { eq: "${site.video}" } })`;
    const fields = '{ documentId playback { token } playbackRefusal }';
    const { videos } = await graphql(`{ one: ${hundred} ${fields} other: ${another} ${fields} }`, token);
    expect(videos.filter(({ playback }) => playback)).toHaveLength(ENTRIES + 1);
    expect((await restOf(site.video, token)).videos).toMatchObject([{ playbackRefusal: 'rate-limited' }]);
  });

  it('that is asked too often has none, and is answered all the same', async () => {
    const token = await apiToken('custom');
    const answers = [];
    for (let at = 0; at <= LISTS; at += 1) answers.push(await restOf(site.video, token));
    const [last, ...first] = answers.reverse();
    expect(first.map(({ videos }) => videos[0]?.playbackRefusal)).toEqual(first.map(() => null));
    expect(last).toMatchObject({ status: 200, videos: [{ playback: null, playbackRefusal: 'rate-limited' }] });
  });

  it('leaves no row behind, whether it offers or refuses', async () => {
    const count = async () => [
      await rows('plugin::protected-vod.playback-session').count(),
      await rows('plugin::protected-vod.audit-event').count(),
    ];
    await flushAudit();
    const before = await count();
    await restOf(site.video);
    await restOf(await newVideo({ allowedRoles: ['nobody'] }));
    await flushAudit();
    expect(await count()).toEqual(before);
  });
});

it('a parameter of that name is the site’s own where no answer can hold a video', async () => {
  await grantPermission(site.app, site.role, 'plugin::upload.content-api.find');
  for (const value of ['true', 'loud', 'false']) {
    const { status, body, cacheControl } = await rest(`upload/files?playback=${value}`);
    expect([status, cacheControl], value).toEqual([200, null]);
    expect(JSON.stringify(body)).not.toContain('playback');
  }
  expect((await rest('courses?playback=loud')).status).toBe(400);
});

describe('a video is found', () => {
  const asked = new Map<string, number>();
  let video: string;
  let page: string;

  beforeAll(async () => {
    await strapi()
      .plugin('protected-vod')
      .service('entitlement')
      .register({
        name: 'counting',
        decide: async ({ video: { documentId } }: { video: { documentId: string } }) => {
          asked.set(documentId, (asked.get(documentId) ?? 0) + 1);
          return { verdict: 'abstain' };
        },
      });
    video = await newVideo();
    const teaser = { caption: 'Watch', video };
    const course = await newCourse([video]);
    const blocks = [{ __component: 'film.teaser', ...teaser }];
    const data = { title: 'Home', hero: teaser, rows: [teaser, teaser], blocks, course } as never;
    page = (await documents(PAGE).create({ data })).documentId;
    const { viewer } = site;
    await documents(ORDER).create({ data: { state: 'open', user: viewer.id, course } as never });
  });
  afterAll(() => strapi().plugin('protected-vod').service('entitlement').unregister('counting'));

  const populate = [
    'populate[hero][populate]=video',
    'populate[rows][populate]=video',
    'populate[blocks][on][film.teaser][populate]=video',
    'populate[course][populate]=videos',
  ].join('&');

  it('in relations of relations, components and dynamic zones, and decided once', async () => {
    asked.clear();
    const { videos } = await rest(`pages?filters[documentId]=${page}&${populate}&playback=true`);
    expect(videos.map(({ documentId }) => documentId)).toEqual([video, video, video, video, video]);
    expect(new Set(videos.map(({ playback }) => playback?.token)).size).toBe(1);
    expect(asked).toEqual(new Map([[video, 1]]));
  });

  it('there in GraphQL too', async () => {
    asked.clear();
    const listed = '{ documentId playback { token urls { hls } } playbackRefusal }';
    const { videos } = await graphql(`{ page(documentId: "${page}") {
      hero { video ${listed} }
      rows { video ${listed} }
      blocks { ... on ComponentFilmTeaser { video ${listed} } }
      course { videos ${listed} }
    } }`);
    expect(videos.map(({ documentId }) => documentId)).toEqual([video, video, video, video, video]);
    expect(new Set(videos.map(({ playback }) => playback?.token)).size).toBe(1);
    expect(asked).toEqual(new Map([[video, 1]]));
  });

  it('by way of the user who asks', async () => {
    // Who asks for a user gets drafts too, unless they are left out.
    const published = '[filters][publishedAt][$notNull]=true';
    const course = 'populate[orders][populate][course]';
    const path = `users/me?${course}${published}&${course}[populate][videos]${published}&playback=true`;
    expect((await rest(path)).videos).toMatchObject([{ documentId: video, playback: {}, playbackRefusal: null }]);
  });

  it('in Strapi’s older answer format', async () => {
    const headers = { authorization: `Bearer ${site.viewer.jwt}`, 'strapi-response-format': 'v4' };
    const path = `protected-vod/videos?filters[documentId]=${video}&playback=true`;
    const { data } = (await (await fetch(`${site.app.url}/api/${path}`, { headers })).json()) as {
      data: { attributes: { playback: unknown } }[];
    };
    expect(data[0]?.attributes.playback).toMatchObject({ urls: {} });
  });
});

describe('for each caller a list says what the token endpoint says', () => {
  const HOUR = 3_600_000;
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const newVideos: Record<string, () => Promise<string>> = {
    'open to all': () => newVideo(),
    'for another role': () => newVideo({ allowedRoles: ['nobody'] }),
    'with roles that nobody can read': () => newVideo({ allowedRoles: { subscriber: true } }),
    'not yet available': () => newVideo({ availableFrom: at(HOUR) }),
    'not available any more': () => newVideo({ availableUntil: at(-HOUR) }),
    'of a course that nobody bought': async () => {
      const video = await newVideo();
      await newCourse([video]);
      return video;
    },
    'of a course that the customer bought': async () => {
      const video = await newVideo();
      const data = { state: 'paid', user: customer.id, course: await newCourse([video]) };
      await documents(ORDER).create({ data: data as never });
      return video;
    },
    'without a film': async () => {
      const video = await newVideo();
      await rows(VIDEO).update({
        where: { documentId: video, publishedAt: { $notNull: true } },
        data: { source: null },
      });
      return video;
    },
  };
  const newCallers: Record<string, () => Promise<string | null>> = {
    'a subscriber': async () => site.viewer.jwt,
    'a customer': async () => customer.jwt,
    async 'a user who may read and not watch'() {
      const role = await createSiteRole(site.app, `reader-${randomBytes(4).toString('hex')}`);
      for (const action of READ) await grantPermission(site.app, role, action);
      return (await createSiteUser(site.app, role)).jwt;
    },
    'a visitor': async () => null,
    'an API token with the permission': () => apiToken('custom'),
    'an API token that may do all': () => apiToken('full-access'),
  };

  beforeAll(async () => {
    const visitors = await findSiteRole(site.app, 'public');
    for (const action of READ.filter((one) => one !== 'plugin::users-permissions.user.me')) {
      await grantPermission(site.app, visitors, action);
    }
    for (const [name, make] of Object.entries(newVideos)) videos.set(name, await make());
    for (const [name, make] of Object.entries(newCallers)) {
      const bearer = await make();
      // The rate limit is low: a token of its own for each case.
      callers.set(name, name.startsWith('an API token') ? make : async () => bearer);
    }
  });

  const videos = new Map<string, string>();
  const callers = new Map<string, () => Promise<string | null>>();
  const cases = Object.keys(newVideos).flatMap((video) =>
    Object.keys(newCallers).map((caller) => [video, caller] as const),
  );

  it.each(cases)('a video %s, %s', async (video, caller) => {
    const documentId = videos.get(video) ?? '';
    const bearer = (await callers.get(caller)?.()) ?? null;
    const { status, code } = await askForToken(site.app, documentId, bearer);
    const expected = [status === 200, code ?? null];
    const [listed] = (await restOf(documentId, bearer)).videos;
    expect([Boolean(listed?.playback), listed?.playbackRefusal]).toEqual(expected);
    // An API token is limited to the two requests before.
    if (caller.startsWith('an API token')) return;
    const [queried] = (await graphqlOf(documentId, bearer)).videos;
    expect([Boolean(queried?.playback), queried?.playbackRefusal]).toEqual(expected);
  });
});
