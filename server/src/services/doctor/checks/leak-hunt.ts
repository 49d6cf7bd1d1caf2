import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { ASSET_UID } from '../../../content-types/uids';
import { getService } from '../../get-service';
import { type Check, type Examination, NOT_RUNNING, type RunningSite } from '../examination';
import { fail, type Judgement, ok, skipped, warn } from '../finding';
import { FORGED, gateAddresses, LISTINGS, type Place, siteAddresses, streamAddresses } from '../leaks/addresses';
import { exposes } from '../leaks/exposure';
import { placesOf, rtmpBasesOf } from '../leaks/places';
import { type ProtectedFilm, protectedFilms } from '../leaks/protected-films';
import { type Answer, createRequester, type Requester } from '../leaks/request';
import { playsOverRtmp } from '../leaks/rtmp-play';

const NO_HEAD = Buffer.alloc(0);

interface Hunt {
  requester: Requester;
  /** Addresses that hand out what they must not. */
  leaks: string[];
  /** Places that do not answer. */
  silent: Set<string>;
  /** Over RTMP. */
  connections: number;
}

/** Null: it closed the connection twice, which is a refusal too from what answers otherwise. */
async function askTwice({ requester }: Hunt, origin: string, target: string): Promise<Answer | null> {
  return requester.ask(origin, target).catch(() => requester.ask(origin, target).catch(() => null));
}

/** What stands behind the gate answers with no success at all; pages of a front end for any address are none of it. */
function isBeyondGate({ kind }: Place, address: string, { status, type }: Answer): boolean {
  return kind === 'streamer' && address.startsWith('/v/') && status >= 200 && status < 300 && !/^text\/html/.test(type);
}

async function knock(hunt: Hunt, place: Place, address: string, head: Buffer): Promise<void> {
  const target = place.prefix + address;
  const answer = await askTwice(hunt, place.origin, target);
  if (answer === null || !((await exposes(answer, head)) || isBeyondGate(place, address, answer))) return;
  hunt.leaks.push(`GET ${place.origin}${target}: ${answer.status}, ${answer.type || 'no type'}`);
}

const knockAll = (hunt: Hunt, place: Place, addresses: string[], head: Buffer = NO_HEAD) =>
  Promise.all([...new Set(addresses)].map((address) => knock(hunt, place, address, head)));

async function huntFilm(hunt: Hunt, places: Place[], film: ProtectedFilm, rootPath: string | null): Promise<void> {
  for (const place of places) {
    const addresses = place.kind === 'site' ? siteAddresses(film, rootPath) : streamAddresses(film);
    await knockAll(hunt, place, addresses, film.head);
  }
}

/** Who may list the Media Library learns names and ids, though nothing that plays. */
async function judgeListings(hunt: Hunt, { origin }: RunningSite): Promise<Judgement[]> {
  const open: string[] = [];
  for (const listing of LISTINGS) {
    const { status } = await hunt.requester.ask(origin, listing);
    if (status === 200) open.push(`GET ${origin}${listing}`);
  }
  if (open.length === 0) return [];
  const advice = 'Untick Upload → find for the role Public, unless your site needs it.';
  return [warn('Anybody may list the files of the Media Library.', advice, open)];
}

async function answering(hunt: Hunt, strapi: Core.Strapi, site: RunningSite): Promise<Place[]> {
  const places: Place[] = [];
  for (const place of placesOf(strapi, site)) {
    if ((await askTwice(hunt, place.origin, `${place.prefix}/`)) !== null) places.push(place);
    else hunt.silent.add(place.origin + place.prefix);
  }
  return places;
}

/** The gate is the same for every film, so a name is tried without a token, and with a forged one. */
async function huntOverRtmp(hunt: Hunt, bases: string[], { videos: [video] }: ProtectedFilm): Promise<void> {
  for (const base of bases) {
    if (video === undefined || hunt.silent.has(base)) continue;
    for (const stream of [video, `${video}?token=${FORGED}`]) {
      hunt.connections += 1;
      const plays = await playsOverRtmp(base, stream).catch(() => null);
      if (plays === null) hunt.silent.add(base);
      if (plays === true) hunt.leaks.push(`play ${base}/vod/${stream}`);
    }
  }
}

function judge({ leaks, silent, requester, connections }: Hunt, places: number, films: string): Judgement[] {
  const asked = `${requester.count + connections} requests at ${places} places for ${films} films`;
  const unheard = silent.size === 0 ? [] : [warn('Some addresses do not answer from here.', undefined, [...silent])];
  if (leaks.length === 0) return [ok(`${asked}: all refused, no byte of a film`), ...unheard];
  const advice = 'Take them away at once, and find out which server hands them out.';
  return [fail(`${leaks.length} addresses need no token (${asked}).`, advice, leaks), ...unheard];
}

async function huntAll({ strapi, isThorough }: Examination, site: RunningSite, hunt: Hunt): Promise<Judgement[]> {
  const places = await answering(hunt, strapi, site);
  const bases = rtmpBasesOf(strapi, site);
  const below = path.relative(strapi.dirs.app.root, getService(strapi, 'storage').root.path);
  const rootPath = below.startsWith('..') ? null : below.split(path.sep).join('/');
  for (const place of places) if (place.kind === 'streamer') await knockAll(hunt, place, gateAddresses());
  let films = 0;
  for await (const film of protectedFilms(strapi, isThorough)) {
    films += 1;
    await huntFilm(hunt, places, film, rootPath);
    await huntOverRtmp(hunt, bases, film);
  }
  const listings = await judgeListings(hunt, site);
  const heard = places.length + bases.filter((base) => !hunt.silent.has(base)).length;
  return [...judge(hunt, heard, `${films} of ${await strapi.db.query(ASSET_UID).count()}`), ...listings];
}

/** Tries to get at every protected film without a token, through every address that it can find. */
export const leakHunt: Check = {
  name: 'leak-hunt',
  async run(examination) {
    const { site } = examination;
    if (site === null) return [skipped(NOT_RUNNING)];
    const hunt: Hunt = { requester: createRequester(), leaks: [], silent: new Set(), connections: 0 };
    try {
      return await huntAll(examination, site, hunt);
    } finally {
      hunt.requester.close();
    }
  },
};
