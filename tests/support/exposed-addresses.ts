import http from 'node:http';
import type { PlaybackTokenAnswer } from '../../server/contracts';
import { representationUrls } from '../clients/dash.mjs';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { mediaPlaylistUrls, segmentKeys, segmentUrls } from '../clients/hls.mjs';
import { RtmpClient } from '../clients/rtmp.mjs';

/** More than any refusal or playlist header has; less than a second of film. */
const TASTE_BYTES = 16 * 1024;

export interface Knock {
  method?: string;
  headers?: Record<string, string>;
  /** Source address; another /24 of the loopback block is another client. */
  from?: string;
}

export interface Answer {
  /** Of HTTP; of RTMP the code of the last `onStatus`. */
  status: number | string;
  location: string | undefined;
  /** Up to some kilobytes of what came; of RTMP the description that stood beside the code. */
  body: Buffer;
  /** Pictures and sounds, or bytes of a body that is none of the streamer's own words. */
  mediaBytes: number;
}

/** One address that a film exposes, and how to ask for it under any credential. */
export interface ExposedAddress {
  /** What follows the credential; `ws live.flv` and `rtmp` for those that are not asked for with GET. */
  name: string;
  via: 'http' | 'ws' | 'rtmp';
  isMedia: boolean;
  /** `video`: whose stream RTMP names, where it is not the one that was walked. */
  knock(credential: string, knock?: Knock, video?: string): Promise<Answer>;
}

/** A key is as good as what it opens. */
const MEDIA = /\.m4s$|\.key$|init\.mp4$|^mp4$|^download$|live\.flv$|^poster\.jpg$|^storyboard\.|\.vtt$|^waveform\./;

/** Reads a little of a body and leaves. */
function taste(stream: NodeJS.ReadableStream & { destroy(): void }, done: (body: Buffer) => void): void {
  const chunks: Buffer[] = [];
  let size = 0;
  let isOver = false;
  const finish = () => {
    if (isOver) return;
    isOver = true;
    stream.destroy();
    done(Buffer.concat(chunks));
  };
  stream.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= TASTE_BYTES) finish();
  });
  for (const event of ['end', 'error', 'close']) stream.once(event, finish);
}

const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/** One request as written: nothing is followed or normalised. */
function knockHttp(base: URL, path: string, { method, headers, from }: Knock, more: object = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = http.request({
      host: base.hostname,
      port: base.port,
      path,
      method: method ?? 'GET',
      headers: { 'user-agent': 'raw', ...headers, ...more },
      agent: false,
      ...(from !== undefined && { localAddress: from }),
    });
    request.once('error', reject);
    request.once('response', (response) => {
      const { statusCode: status = 0, headers: heard } = response;
      const { location } = heard;
      const isOwnWord = /^text\/plain/.test(heard['content-type'] ?? 'text/plain');
      taste(response, (body) => resolve({ status, location, body, mediaBytes: isOwnWord ? 0 : body.length }));
    });
    request.once('upgrade', (_response, socket, head) => {
      socket.unshift(head);
      taste(socket, (body) => resolve({ status: 101, location: undefined, body, mediaBytes: body.length }));
    });
    request.end();
  });
}

async function knockRtmp(url: string, { from }: Knock): Promise<Answer> {
  const client = await RtmpClient.open(url, { ...(from !== undefined && { from }) });
  const isRefused = () => client.statuses().some((code) => /Failed|NotFound|BadName/.test(code));
  await client.until(() => isRefused() || client.pictures().length > 0, 'a word or a picture');
  if (isRefused()) await client.closed;
  else client.close();
  const status = client.statuses().at(-1) ?? '';
  const said = client.messages.findLast(({ values }) => values?.[0] === 'onStatus')?.values?.[3];
  return {
    status,
    location: undefined,
    body: Buffer.from(String(said?.description ?? '')),
    mediaBytes: client.mediaBytes(),
  };
}

const resourceOf = (url: string): string => url.replace(/^.*\/v\/[^/]+\//, '');

function overHttp(base: URL, name: string): ExposedAddress {
  const knock = (credential: string, how: Knock = {}) => knockHttp(base, `/v/${credential}/${name}`, how);
  return { name, via: 'http', isMedia: MEDIA.test(name), knock };
}

function overWebSocket(base: URL, url: string): ExposedAddress {
  const path = (credential: string) => `/v/${credential}/${resourceOf(url)}`;
  const knock = (credential: string, how: Knock = {}) => knockHttp(base, path(credential), how, UPGRADE);
  return { name: `ws ${resourceOf(url)}`, via: 'ws', isMedia: true, knock };
}

function overRtmp(url: string): ExposedAddress {
  const [, place = '', named = ''] = /^(rtmp:\/\/[^/]+\/vod\/)([^?]+)\?token=/.exec(url) ?? [];
  const knock = (credential: string, how: Knock = {}, video = named) =>
    knockRtmp(`${place}${video}?token=${credential}`, how);
  return { name: 'rtmp', via: 'rtmp', isMedia: true, knock };
}

async function walkPlaylists(url: string): Promise<string[]> {
  const multivariant = await fetchOk(url);
  const lists = mediaPlaylistUrls(multivariant);
  const found = [multivariant.url, ...lists];
  for (const list of lists) {
    const playlist = await fetchOk(list);
    found.push(...segmentUrls(playlist), ...segmentKeys(playlist).map(({ url: key }) => key));
  }
  return found;
}

async function walkManifest(url: string): Promise<string[]> {
  const manifest = await fetchOk(url);
  return [manifest.url, ...representationUrls(manifest).flat()];
}

async function walkStoryboard(url: string): Promise<string[]> {
  const index = await fetchOk(url);
  const sprites = [...index.bytes.toString('utf8').matchAll(/^(\S+)#xywh=/gm)].map(([, name = '']) => name);
  return [index.url, ...sprites.map((name) => new URL(name, index.url).href)];
}

type Answered = PlaybackTokenAnswer['data'];
type WalkedAnswer = Pick<Answered, 'urls' | 'poster' | 'storyboard'> &
  Partial<Pick<Answered, 'textTracks' | 'chapters' | 'waveform'>>;

/**
 * Every address that a token answer leads to, playlists, manifests and storyboards walked to their ends. `streamer`: where to
 * knock, whatever host the answer names. Throws for an address of a kind that is not known here.
 */
export async function walkAddresses(
  { urls, poster, storyboard, textTracks = [], chapters = null, waveform = null }: WalkedAnswer,
  streamer: string,
): Promise<ExposedAddress[]> {
  const base = new URL(streamer);
  const found: ExposedAddress[] = [];
  const names = new Set<string>();
  if (poster?.startsWith('http')) names.add(resourceOf(poster));
  for (const url of [...textTracks.map((text) => text.url), chapters, waveform])
    if (url !== null) names.add(resourceOf(url));
  if (storyboard !== null) for (const address of await walkStoryboard(storyboard)) names.add(resourceOf(address));
  for (const [kind, url = ''] of Object.entries(urls)) {
    if (url.startsWith('rtmp://')) found.push(overRtmp(url));
    else if (url.startsWith('ws://')) found.push(overWebSocket(base, url));
    else if (kind === 'hls') for (const address of await walkPlaylists(url)) names.add(resourceOf(address));
    else if (kind === 'dash') for (const address of await walkManifest(url)) names.add(resourceOf(address));
    else if (['mp4', 'download', 'httpFlv'].includes(kind)) names.add(resourceOf(url));
    else throw new Error(`the token answer names an address of unknown kind: ${kind}`);
  }
  return [...[...names].map((name) => overHttp(base, name)), ...found];
}
