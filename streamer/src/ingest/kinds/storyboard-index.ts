export interface Tile {
  width: number;
  height: number;
}

export interface StoryboardIndex {
  /** When the picture of each tile is shown, in player time; rising. */
  times: readonly number[];
  durationSeconds: number;
  tile: Tile;
  columns: number;
  /** Name of the sprite, as the index refers to it. */
  sprite: string;
}

/** WebVTT §4.4: hours may be left out, and are not. */
function timestamp(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const two = (part: number) => String(part).padStart(2, '0');
  const clock = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, Math.floor(ms / 1000) % 60]
    .map(two)
    .join(':');
  return `${clock}.${String(ms % 1000).padStart(3, '0')}`;
}

/**
 * WebVTT whose cues name parts of a sprite (Media Fragments §4.2.2: `#xywh=`). A tile stands from the moment of its picture to
 * the next one's; the first from 0.
 */
export function formatStoryboard({ times, durationSeconds, tile, columns, sprite }: StoryboardIndex): string {
  const cues = times.map((time, at) => {
    const start = at === 0 ? 0 : time;
    // A film that is shorter than its header says still has a last picture.
    const end = times[at + 1] ?? Math.max(durationSeconds, start + 0.001);
    const [x, y] = [(at % columns) * tile.width, Math.floor(at / columns) * tile.height];
    return `${timestamp(start)} --> ${timestamp(end)}\n${sprite}#xywh=${x},${y},${tile.width},${tile.height}`;
  });
  return `WEBVTT\n\n${cues.join('\n\n')}\n`;
}
