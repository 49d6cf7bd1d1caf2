// A crowd of viewers in a process of its own, so that what they cost is not counted as the server's.
// Message: { crowd: { base: string, from: string }[], segments: number, rounds: number }. Answer: how many segments came.
import { Agent, get } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** @param {string} url @param {string} localAddress @returns {Promise<void>} */
function read(url, localAddress) {
  return new Promise((resolve, reject) => {
    get(url, { agent, localAddress }, (answer) => {
      answer.once('error', reject);
      if (answer.statusCode === 200) answer.once('end', resolve).resume();
      else reject(new Error(`a segment answered ${answer.statusCode}`));
    }).once('error', reject);
  });
}

/** @param {{ base: string, from: string }} viewer @param {number} segments @param {number} rounds */
async function watch({ base, from }, segments, rounds) {
  for (let at = 0; at < segments * rounds; at += 1)
    await read(`${base}/hls/source-v1/${(at % segments) + 1}.m4s`, from);
}

process.on('message', async ({ crowd, segments, rounds }) => {
  await Promise.all(crowd.map((/** @type {any} */ viewer) => watch(viewer, segments, rounds)));
  process.send?.({ read: crowd.length * segments * rounds });
});
