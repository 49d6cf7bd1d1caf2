import { describe, expect, it } from 'vitest';
import { formatFrameRate } from '../../../../streamer/src/dash/adaptation-set';
import { formatManifest } from '../../../../streamer/src/dash/manifest';
import type { Track } from '../../../../streamer/src/packager/presentation';
import { audioTrack, videoTrack } from '../packager/track-fixture';

const FRAME = 1001 / 24000;

const PICTURES = [
  { startSeconds: 0, durationSeconds: 150 * FRAME },
  { startSeconds: 150 * FRAME, durationSeconds: 150 * FRAME },
  { startSeconds: 300 * FRAME, durationSeconds: 77 * FRAME },
];
const PACKET = 1024 / 44100;
const SOUND = [
  { startSeconds: PACKET, durationSeconds: 260 * PACKET },
  { startSeconds: 261 * PACKET, durationSeconds: 100 * PACKET },
];

const video = (id: string, changes?: Partial<Track>) => videoTrack(id, { segments: PICTURES, ...changes });
const audio = (id: string, changes?: Partial<Track>) => audioTrack(id, { segments: SOUND, ...changes });

function manifestOf(...tracks: Track[]): string {
  return formatManifest({ durationSeconds: 377 * FRAME, tracks });
}

/** Start and end of each segment of each representation, in its own timescale, as a player works them out. */
function timelines(mpd: string): { timescale: number; spans: { start: number; end: number }[] }[] {
  return [...mpd.matchAll(/<SegmentTemplate timescale="(\d+)"[^>]*>([\s\S]*?)<\/SegmentTemplate>/g)].map((template) => {
    const spans: { start: number; end: number }[] = [];
    for (const [, t, d, r] of (template[2] ?? '').matchAll(/<S t="(\d+)" d="(\d+)"(?: r="(\d+)")?\/>/g)) {
      for (let count = 0; count <= Number(r ?? 0); count += 1) {
        const start = count === 0 ? Number(t) : (spans.at(-1)?.end ?? Number.NaN);
        spans.push({ start, end: start + Number(d) });
      }
    }
    return { timescale: Number(template[1]), spans };
  });
}

describe('manifest', () => {
  const mpd = manifestOf(video('source-v1'), audio('source-a1', { language: 'de' }), video('360p-v1', { width: 640 }));

  it('is static, with relative addresses that are those of HLS', () => {
    expect(mpd).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<MPD /);
    expect(mpd).toContain('type="static"');
    expect(mpd).toContain('initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number$.m4s"');
    expect(mpd).toContain('startNumber="1"');
    expect(mpd).not.toContain('BaseURL');
  });

  it('has one set per kind, with the renditions as representations', () => {
    const sets = [...mpd.matchAll(/<AdaptationSet [\s\S]*?<\/AdaptationSet>/g)].map(([set]) =>
      [...set.matchAll(/<Representation id="([^"]+)"/g)].map((match) => match[1]),
    );
    expect(sets).toEqual([['source-v1', '360p-v1'], ['source-a1']]);
    expect(mpd).toContain('contentType="audio" mimeType="audio/mp4" lang="de"');
  });

  it('keeps languages and codecs in sets of their own', () => {
    const sound = [audio('source-a1', { language: 'de' }), audio('source-a2', { language: 'en' })];
    const many = manifestOf(video('source-v1'), video('hevc-v1', { codec: 'hvc1.1.6.L93.B0' }), ...sound);
    expect(many.match(/<AdaptationSet /g)).toHaveLength(4);
  });

  it('has timelines of whole numbers without gap or overlap, at the times of the segments', () => {
    for (const [index, track] of [video('source-v1'), video('360p-v1'), audio('source-a1')].entries()) {
      const { timescale, spans } = timelines(mpd)[index] ?? { timescale: 0, spans: [] };
      expect(spans).toHaveLength(track.segments.length);
      for (const [number, { start, end }] of spans.entries()) {
        const segment = track.segments[number];
        expect(start).toBe(number === 0 ? start : spans[number - 1]?.end);
        expect(start / timescale).toBeCloseTo(segment?.startSeconds ?? Number.NaN, 9);
        expect(end / timescale).toBeCloseTo((segment?.startSeconds ?? 0) + (segment?.durationSeconds ?? 0), 9);
      }
    }
  });

  it('lasts no shorter than the film', () => {
    const seconds = Number(/mediaPresentationDuration="PT([\d.]+)S"/.exec(mpd)?.[1]);
    expect(seconds).toBeGreaterThanOrEqual(377 * FRAME);
    expect(seconds).toBeLessThan(377 * FRAME + 0.002);
  });

  it('says when renditions are cut at different times', () => {
    expect(mpd).toContain('contentType="video" mimeType="video/mp4" segmentAlignment="true"');
    const odd = video('360p-v1', { segments: [{ startSeconds: 0, durationSeconds: 377 * FRAME }] });
    expect(manifestOf(video('source-v1'), odd)).toContain('segmentAlignment="false"');
  });

  it('says when segments start with pictures that need the one before', () => {
    expect(mpd).not.toContain('startWithSAP="3"');
    expect(manifestOf(video('source-v1', { independent: false }))).toContain('startWithSAP="3"');
  });

  it.each(['</Label><BaseURL>https://example.org/</BaseURL>', '" onload="x', "a & b 'c' <d>", '\u0000\u000b\ud800'])(
    'a name of %j is text',
    (name) => {
      const label = /<Label>([^<>"']*)<\/Label>/.exec(manifestOf(audio('source-a1', { name })))?.[1];
      expect(label).toBeDefined();
      expect(label).not.toMatch(/[\u0000-\u0008\u000b]|&(?!amp;|lt;|gt;|quot;|apos;)|\p{Surrogate}/u);
    },
  );

  it.each([
    [24, '24'],
    [23.976, '24000/1001'],
    [29.97, '30000/1001'],
    [59.94, '60000/1001'],
    [12.5, '12500/1000'],
  ])('a rate of %d is written as %s', (rate, text) => {
    expect(formatFrameRate(rate)).toBe(text);
  });
});
