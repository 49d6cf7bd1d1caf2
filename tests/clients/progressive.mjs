import { fetchOk } from './fetch-ok.mjs';

const STEP = 4 * 1024 * 1024;

/**
 * Reads a progressive film to its end by ranges, as browsers do (RFC 9110 §14).
 * @param {string} url
 * @returns {Promise<Buffer>}
 */
export async function playProgressive(url) {
  const parts = [];
  let address = url;
  let size = Number.POSITIVE_INFINITY;
  for (let from = 0; from < size; from += STEP) {
    const answer = await fetchOk(address, { range: `bytes=${from}-${from + STEP - 1}` });
    if (answer.status !== 206) throw new Error(`a range was answered with ${answer.status}`);
    size = Number(answer.headers.get('content-range')?.split('/')[1]);
    address = answer.url;
    parts.push(answer.bytes);
  }
  return Buffer.concat(parts);
}
