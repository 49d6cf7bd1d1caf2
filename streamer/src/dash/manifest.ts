import type { ListedText } from '../packager/listed-text';
import { offeredSound } from '../packager/offered-sound';
import type { Presentation } from '../packager/presentation';
import { adaptationSet, groupTracks } from './adaptation-set';
import { textSet } from './text-set';
import { formatElement } from './xml';

/** ISO 8601 duration with milliseconds rounded up: a player must not clip the last frame. */
function formatDuration(seconds: number): string {
  return `PT${(Math.ceil(seconds * 1000 - 1e-6) / 1000).toFixed(3)}S`;
}

/**
 * A static MPD (ISO/IEC 23009-1 §5.3.1) with one period. All addresses are relative to `/v/{credential}/dash/` and name
 * the same bytes as those of HLS.
 */
export function formatManifest(presentation: Presentation, texts: readonly ListedText[] = []): string {
  const tracks = [...presentation.tracks.filter(({ kind }) => kind === 'video'), ...offeredSound(presentation.tracks)];
  const longest = Math.max(0, ...tracks.flatMap(({ segments }) => segments.map((s) => s.durationSeconds)));
  const sets = groupTracks(tracks).map(adaptationSet);
  const { durationSeconds } = presentation;
  const textSets = texts.map((text, at) => textSet(text, { index: sets.length + at, durationSeconds }));
  const duration = formatDuration(presentation.durationSeconds);
  const mpd = formatElement({
    name: 'MPD',
    attributes: {
      xmlns: 'urn:mpeg:dash:schema:mpd:2011',
      // ISO/IEC 23009-1 §8.4: segments with a template, each usable on its own.
      profiles: 'urn:mpeg:dash:profile:isoff-live:2011',
      type: 'static',
      mediaPresentationDuration: duration,
      maxSegmentDuration: formatDuration(longest),
      minBufferTime: 'PT2.000S',
    },
    children: [
      {
        name: 'Period',
        attributes: { id: '0', start: 'PT0S' },
        children: [...sets, ...textSets],
      },
    ],
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n${mpd}\n`;
}
