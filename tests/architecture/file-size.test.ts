import { describe, expect, it } from 'vitest';
import { read, sourceFiles } from './source-files';

const sizes = sourceFiles('server', 'streamer', 'admin', 'strapi-server.ts')
  .map((file) => ({ file, lines: read(file).split('\n').length - 1 }))
  .sort((a, b) => a.lines - b.lines);
const at = (share: number) => sizes[Math.min(sizes.length - 1, Math.floor(sizes.length * share))]?.lines ?? 0;

describe('file sizes', () => {
  it('no file is longer than 350 lines', () => {
    expect(sizes.filter(({ lines }) => lines > 350)).toEqual([]);
  });
  it('the median is at most 60 lines and nine in ten have at most 220', () => {
    expect(at(0.5)).toBeLessThanOrEqual(60);
    expect(at(0.9)).toBeLessThanOrEqual(220);
  });
});
