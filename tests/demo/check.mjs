import { readFileSync } from 'node:fs';
import { playDash } from '../clients/dash.mjs';
import { fetchOk } from '../clients/fetch-ok.mjs';
import { picturesOf } from '../clients/flv.mjs';
import { countVideoFrames } from '../clients/frames.mjs';
import { playHls } from '../clients/hls.mjs';
import { playProgressive } from '../clients/progressive.mjs';
import { RtmpClient } from '../clients/rtmp.mjs';
import { mint, signIn } from '../clients/site.mjs';
import { CLIP, MEMBER, SUBSCRIBER } from './seed.mjs';

/** @param {{ bytes: Buffer }[]} tracks */
async function framesOf(tracks) {
  const counts = await Promise.all(tracks.map(({ bytes }) => countVideoFrames(bytes)));
  return Math.max(...counts);
}

/** @param {string} url @returns {Promise<number>} pictures of the whole film */
async function playRtmp(url) {
  const client = await RtmpClient.open(url);
  await client.heard('NetStream.Play.Stop');
  client.close();
  return client.pictures().length;
}

/**
 * Plays the film once over every protocol and is refused where it should be; prints a line for each.
 * @param {{ site: string, password: string, video: string }} demo
 * @returns {Promise<boolean>} whether all of it went as it should
 */
export async function check({ site, password, video }) {
  const jwt = await signIn(site, SUBSCRIBER, password);
  const urls = async () => (await mint(site, video, jwt)).body.data.urls;
  const expected = await countVideoFrames(readFileSync(CLIP));
  const frames = async (/** @type {() => Promise<number>} */ play) => {
    const count = await play();
    return { passed: count === expected, detail: `${count} of ${expected} video frames` };
  };
  const refusal = async (/** @type {string | null} */ who) => {
    const { status, body } = await mint(site, video, who);
    return { passed: status === (who ? 403 : 401), detail: `${status} ${body.error?.details.code}` };
  };
  const lines = {
    HLS: () => frames(async () => framesOf(await playHls((await urls()).hls))),
    DASH: () => frames(async () => framesOf(await playDash((await urls()).dash))),
    MP4: () => frames(async () => countVideoFrames(await playProgressive((await urls()).mp4))),
    // At the speed of watching, so half a minute each.
    'HTTP-FLV': () => frames(async () => picturesOf((await fetchOk((await urls()).httpFlv)).bytes).length),
    RTMP: () => frames(async () => playRtmp((await urls()).rtmp)),
    'visitor is refused': () => refusal(null),
    'member is refused': async () => refusal(await signIn(site, MEMBER, password)),
  };
  let passed = true;
  for (const [name, play] of Object.entries(lines)) {
    const result = await play().catch((error) => ({ passed: false, detail: String(error.message) }));
    console.log(`${result.passed ? 'ok  ' : 'FAIL'}  ${name}: ${result.detail}`);
    passed &&= result.passed;
  }
  return passed;
}
