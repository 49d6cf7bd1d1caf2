import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { getService } from '../services/get-service';
import type { VideoPlayback } from '../services/video-playback';
import { graphqlExtension } from './extension';
import { ResolverTraffic } from './resolver-traffic';

const VIDEO_TYPE = 'ProtectedVodVideo';
const APOLLO = 'plugin::graphql.apolloServer';

const TYPE_DEFS = `
  "Addresses at which a film can be played; only what the caller may use is there."
  type ProtectedVodPlaybackUrls {
    hls: String
    dash: String
    mp4: String
    httpFlv: String
    wsFlv: String
    rtmp: String
    download: String
  }

  "One WebVTT file. \`kind\` is \`subtitles\`, \`captions\` or \`chapters\`, \`language\` a tag of BCP 47."
  type ProtectedVodTextTrack {
    url: String!
    kind: String!
    language: String!
    label: String!
    default: Boolean!
    "Shown also to those who want no subtitles; null where it is not."
    forced: Boolean
  }

  "What the token endpoint would answer. For the caller alone, and to be used by \`expiresAt\`."
  type ProtectedVodPlayback {
    token: String!
    expiresAt: String!
    expiresInSeconds: Int!
    durationSeconds: Float!
    urls: ProtectedVodPlaybackUrls!
    poster: String
    storyboard: String
    textTracks: [ProtectedVodTextTrack!]!
    chapters: String
    waveform: String
  }

  extend type ${VIDEO_TYPE} {
    "Null where the caller may not watch."
    playback: ProtectedVodPlayback
    "Why not, in the codes of the token endpoint."
    playbackRefusal: String
  }
`;

const rowSchema = z.object({ id: z.union([z.number(), z.string()]) });
const apolloSchema = z.looseObject({ plugins: z.array(z.unknown()).optional() }).catch({});

/** The traffic of each operation, by the context that its resolvers share. */
const operations = new WeakMap<object, ResolverTraffic>();

function trafficOf(context: object): ResolverTraffic {
  const traffic = operations.get(context) ?? new ResolverTraffic();
  operations.set(context, traffic);
  return traffic;
}

/** For Apollo: counts the resolvers of operations that may ask for playback. */
const trafficCounter = {
  async requestDidStart() {
    return {
      async executionDidStart({ source }: { source: string }) {
        if (!source.includes('playback')) return undefined;
        return { willResolveField: ({ contextValue }: { contextValue: object }) => trafficOf(contextValue).begin() };
      },
    };
  },
};

async function playbackOf(strapi: Core.Strapi, video: unknown, context: object): Promise<VideoPlayback> {
  await trafficOf(context).quiet();
  const row = rowSchema.safeParse(video).data;
  const ctx = strapi.requestContext.get();
  if (!row || !ctx) return { playback: null, playbackRefusal: 'not-found' };
  return getService(strapi, 'video-playback').during(ctx).of(String(row.id));
}

/** `playback` of a video, wherever a GraphQL query meets one; decided for all of them together. */
export function offerPlaybackInGraphql(strapi: Core.Strapi): void {
  const extension = graphqlExtension(strapi);
  if (!extension) return;
  const apollo = apolloSchema.parse(strapi.config.get(APOLLO, {}));
  strapi.config.set(APOLLO, { ...apollo, plugins: [...(apollo.plugins ?? []), trafficCounter] });
  extension.use(({ typeRegistry }) => {
    // A site may have taken videos out of its GraphQL.
    if (!typeRegistry.has(VIDEO_TYPE)) return {};
    const field = (name: keyof VideoPlayback) => async (video: unknown, _args: unknown, context: object) =>
      (await playbackOf(strapi, video, context))[name];
    const resolvers = { playback: field('playback'), playbackRefusal: field('playbackRefusal') };
    return { typeDefs: TYPE_DEFS, resolvers: { [VIDEO_TYPE]: resolvers } };
  });
}
