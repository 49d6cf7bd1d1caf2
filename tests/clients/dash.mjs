import { fetchOk } from './fetch-ok.mjs';

/** @param {string} tag @param {string} name */
const attribute = (tag, name) => tag.match(new RegExp(`\\s${name}="([^"]*)"`))?.[1];

/**
 * Segment numbers that a SegmentTimeline announces (ISO/IEC 23009-1 §5.3.9.6).
 * @param {string} template
 */
function segmentNumbers(template) {
  const start = Number(attribute(template, 'startNumber') ?? '1');
  const count = [...template.matchAll(/<S\s[^>]*>/g)].reduce(
    (sum, [tag]) => sum + 1 + Number(attribute(tag, 'r') ?? '0'),
    0,
  );
  return Array.from({ length: count }, (_, at) => start + at);
}

/**
 * Addresses of init segment and segments per Representation, or of its one file, absolute, in order.
 * @param {{ url: string, bytes: Buffer }} manifest
 * @returns {string[][]}
 */
export function representationUrls({ url, bytes }) {
  const sets = bytes.toString('utf8').match(/<AdaptationSet[\s\S]*?<\/AdaptationSet>/g) ?? [];
  return sets.flatMap((set) =>
    [...set.matchAll(/<Representation\s[\s\S]*?(?:\/>|<\/Representation>)/g)].map(([representation]) => {
      // A text is one file (ISO/IEC 23009-1 §5.3.9.2).
      const [, file] = representation.match(/<BaseURL>([^<]*)<\/BaseURL>/) ?? [];
      if (file !== undefined) return [new URL(file, url).href];
      const template = (representation.match(/<SegmentTemplate[\s\S]*<\/SegmentTemplate>/) ??
        set.match(/<SegmentTemplate[\s\S]*?<\/SegmentTemplate>/) ?? [''])[0];
      const fill = (/** @type {string} */ pattern, /** @type {number} */ number) =>
        pattern
          .replaceAll('$RepresentationID$', attribute(representation, 'id') ?? '')
          .replaceAll('$Number$', String(number));
      const media = segmentNumbers(template).map((number) => fill(attribute(template, 'media') ?? '', number));
      return [fill(attribute(template, 'initialization') ?? '', 0), ...media].map((uri) => new URL(uri, url).href);
    }),
  );
}

/**
 * Plays every Representation to its end: each comes back as one fragmented MP4.
 * @param {string} url address of the MPD
 * @returns {Promise<{ bytes: Buffer }[]>}
 */
export async function playDash(url) {
  const manifest = await fetchOk(url);
  const tracks = [];
  for (const addresses of representationUrls(manifest)) {
    const parts = [];
    for (const address of addresses) parts.push((await fetchOk(address)).bytes);
    tracks.push({ bytes: Buffer.concat(parts) });
  }
  return tracks;
}
