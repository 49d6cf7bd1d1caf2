import { describe, expect, it } from 'vitest';
import { formatStoryboard } from '../../../../streamer/src/ingest/kinds/storyboard-index';
import { originOf, parseProbe } from '../../../../streamer/src/ingest/tools/film-probe';

describe('a storyboard', () => {
  it('shows each tile from its own time to that of the next, row by row', () => {
    const tile = { width: 160, height: 90 };
    const times = [0.08, 10.416667, 3723.0005];
    const index = formatStoryboard({ times, durationSeconds: 7200, tile, columns: 2, sprite: 'storyboard.jpg' });
    expect(index).toBe(
      [
        'WEBVTT\n',
        '00:00:00.000 --> 00:00:10.417\nstoryboard.jpg#xywh=0,0,160,90\n',
        '00:00:10.417 --> 01:02:03.001\nstoryboard.jpg#xywh=160,0,160,90\n',
        '01:02:03.001 --> 02:00:00.000\nstoryboard.jpg#xywh=0,90,160,90\n',
      ].join('\n'),
    );
  });

  it('of a film that is shorter than it says has no cue that ends before it begins', () => {
    const index = formatStoryboard({
      times: [0, 12],
      durationSeconds: 10,
      tile: { width: 1, height: 1 },
      columns: 2,
      sprite: 's.jpg',
    });
    expect(index).toContain('00:00:12.000 --> 00:00:12.001\n');
  });
});

/** As ffmpeg prints it. */
function printed(video: number[] | null, ...audios: number[][]): string {
  const tracks = [
    ...(video ? [{ kind: 'video', times: video }] : []),
    ...audios.map((times) => ({ kind: 'audio', times })),
  ];
  const headers = tracks.map(({ kind }, at) => `#tb ${at}: 1/1000\n#media_type ${at}: ${kind}\n#codec_id ${at}: x`);
  const packets = tracks.flatMap(({ times }, at) => times.map((ms) => `${at}, ${ms - 80}, ${ms}, 40, 100, 0xf7b70005`));
  return `#software: Lavf59.27.100\n${[...headers, ...packets].join('\n')}\n`;
}

describe('the film time that is 0 for players', () => {
  it.each([
    ['picture and sound from 0', [0, 80, 40], [[0, 20]], 0],
    ['sound with encoder delay', [0, 40], [[-21, 0, 21]], 0],
    ['a picture that begins before 0', [-80, -40], [[-90, 10]], -0.08],
    ['a transport stream', [1480, 1440], [[1400, 1420]], 1.4],
    ['sound before the picture', [500, 540], [[0, 20]], 0],
  ])('%s', (_name, video, audios, expected) => {
    expect(originOf(parseProbe(printed(video, ...audios)))).toBeCloseTo(expected, 6);
  });

  it('is refused where ffmpeg printed nothing', () => {
    expect(() => parseProbe('')).toThrow(expect.objectContaining({ reason: 'tool-failed' }));
  });
});
