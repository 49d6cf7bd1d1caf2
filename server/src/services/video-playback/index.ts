import type { Core } from '@strapi/strapi';
import type { Context } from 'koa';
import type { GrantedAsset, PlaybackTokenAnswer, PublicRefusal } from '../../../contracts';
import type { Origin } from '../../tokens/playback-token';
import type { UnpreparedAsset } from '../asset';
import { batched, once } from '../batch';
import { createCallers } from '../entitlement/caller';
import type { Allowance, Question } from '../entitlement/decision';
import { getService } from '../get-service';
import type { Demand, Shortage } from '../playback-session/room';
import { isUnconfigured } from '../playback-token';
import { apiTokenOfRequest, callerReadsOfRequest, originOfRequest } from '../request-caller';
import { createListedVideos, type ListedVideo } from './listed-videos';

/** So many videos cost as much of the rate limit as one request for a token. */
const VIDEOS_A_TOKEN = 100;

/** What a list says of one video. One of the two is null. */
export interface VideoPlayback {
  playback: PlaybackTokenAnswer['data'] | null;
  playbackRefusal: PublicRefusal | null;
}

/** The videos in the answer to one request, and its caller. */
export interface RequestPlayback {
  /**
   * By the row's id, so that a draft is told from what is published, and one language from the other. What is asked
   * together is decided together. Writes nothing, and never throws: what cannot be decided is refused.
   */
  of(rowId: string): Promise<VideoPlayback>;
}

export interface VideoPlaybackService {
  /** The same for all who ask during one request. Its answer is for this caller alone, and no cache may keep it. */
  during(ctx: Context): RequestPlayback;
}

const refused = (playbackRefusal: PublicRefusal): VideoPlayback => ({ playback: null, playbackRefusal });

const keyOf = (video: string, locale: string | null) => `${video} ${locale ?? ''}`;

/** Room for one more session, of each video that may be watched; what is asked together in one query. */
function createRooms(strapi: Core.Strapi) {
  const demands = new Map<string, Demand>();
  const shortages = batched(async (videos: string[]) => {
    const asked = videos.flatMap((video) => demands.get(video) ?? []);
    const lacking = await getService(strapi, 'playback-session').room.lacking(asked);
    return new Map<string, Shortage>(lacking.flatMap((one, at) => (one === null ? [] : [[videos[at] ?? '', one]])));
  });
  return (video: string, { concurrency, views }: Allowance): Promise<Shortage | null> => {
    demands.set(video, { concurrency, views });
    return shortages(video);
  };
}

/** Decides with what Strapi's authentication read in this request, and with what was read of the listed videos. */
function createJudge(strapi: Core.Strapi, ctx: Context, origin: Origin) {
  const listed = new Map<string, ListedVideo>();
  const assets = new Map<string, GrantedAsset | UnpreparedAsset>();
  const answers = new Map<string, Promise<VideoPlayback>>();
  const roomFor = createRooms(strapi);
  const callerOf = createCallers(strapi, callerReadsOfRequest(ctx));
  const policies = once(async () => {
    const [row] = listed.values();
    if (!row) throw new Error('Nothing is listed.');
    return row.policies();
  });
  const decide = getService(strapi, 'entitlement').deliberation({
    caller: (question) => callerOf(question.origin),
    published: async ({ video, locale }) => listed.get(keyOf(video, locale))?.video ?? null,
    asset: async (id) => assets.get(id) ?? null,
    policies,
  });

  async function judge(question: Question, round: number): Promise<VideoPlayback> {
    const decision = await decide(question);
    if (!decision.allow) return refused(decision.refusal);
    const shortage = await roomFor(question.video, decision);
    if (shortage !== null) return refused(shortage.refusal);
    const playback = await getService(strapi, 'playback-token').sign(
      { ...question, round },
      decision,
      ctx.request.origin,
    );
    return { playback, playbackRefusal: null };
  }

  return (row: ListedVideo): Promise<VideoPlayback> => {
    const { documentId: video, locale, asset, round } = row;
    const key = keyOf(video, locale);
    const running = answers.get(key);
    if (running) return running;
    listed.set(key, row);
    if (asset) assets.set(asset.id, asset);
    const answer = judge({ origin, video, locale }, round);
    answers.set(key, answer);
    return answer;
  };
}

function createRequestPlayback(strapi: Core.Strapi, ctx: Context): RequestPlayback {
  // Each token is for one viewer: no cache may keep it.
  ctx.set('Cache-Control', 'no-store');
  const origin = originOfRequest(ctx);
  if (!origin) return { of: async () => refused('login-required') };
  const read = createListedVideos(strapi, origin);
  const judge = createJudge(strapi, ctx, origin);
  const known = new Map<string, Promise<VideoPlayback>>();
  let isLimited = false;
  let hasFailed = false;

  /** One list is one request; one that is longer than a list may be is several. */
  const count = () => {
    if (known.size % VIDEOS_A_TOKEN !== 0) return;
    isLimited = getService(strapi, 'rate-limits').mint(ctx.req, origin, apiTokenOfRequest(ctx)).limited;
  };
  const failed = (error: unknown) => {
    const isMendable = isUnconfigured(error);
    // The first speaks for all of a list.
    if (!hasFailed) strapi.log.error(isMendable ? error.message : error);
    hasFailed = true;
    return refused(isMendable ? 'not-configured' : 'not-entitled');
  };
  const answer = async (rowId: string) => {
    const row = await read(rowId);
    return row === null ? refused('not-found') : judge(row);
  };

  return {
    of(rowId) {
      const running = known.get(rowId);
      if (running) return running;
      count();
      const playback = isLimited ? Promise.resolve(refused('rate-limited')) : answer(rowId).catch(failed);
      known.set(rowId, playback);
      return playback;
    },
  };
}

/** Playback in the answers of REST and GraphQL: tokens for what a list shows, decided by `entitlement`. */
export function createVideoPlaybackService({ strapi }: { strapi: Core.Strapi }): VideoPlaybackService {
  const requests = new WeakMap<Context, RequestPlayback>();
  return {
    during(ctx) {
      const playback = requests.get(ctx) ?? createRequestPlayback(strapi, ctx);
      requests.set(ctx, playback);
      return playback;
    },
  };
}
