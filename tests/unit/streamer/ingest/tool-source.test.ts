import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createToolSource } from '../../../../streamer/src/ingest/tools/tool-source';
import { createLogger } from '../../../../streamer/src/logger';

let root: string;
beforeAll(async () => {
  root = await realpath(await mkdtemp(path.join(tmpdir(), 'protected-vod-tools-')));
  await mkdir(path.join(root, 'ingest'));
});
afterAll(() => rm(root, { recursive: true }));

function sourceOf(ffmpeg: string) {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ process: 'ingest', level: 'debug', secrets: [root], destination });
  return { lines, tools: createToolSource({ ffmpeg, memoryBytes: 1024 ** 3, maxSeconds: 60, root, logger }) };
}

describe('ffmpeg', () => {
  it('that is missing is told once, and found when it comes', async () => {
    const file = path.join(root, 'ffmpeg');
    const { lines, tools } = sourceOf(file);
    expect([await tools(), await tools(), await tools()]).toEqual([null, null, null]);
    expect(lines.filter((line) => line.includes('ffmpeg is missing here'))).toHaveLength(1);
    await writeFile(file, '#!/bin/sh\n');
    expect(await tools()).toBeNull();
    await chmod(file, 0o755);
    expect(await tools()).not.toBeNull();
    expect(lines.some((line) => line.includes('"process":"ingest"') && line.includes('ffmpeg found'))).toBe(true);
  });

  it('that does not run is as good as none', async () => {
    const file = path.join(root, 'broken');
    await writeFile(file, '#!/bin/sh\necho no such library >&2\nexit 127\n', { mode: 0o755 });
    const { lines, tools } = sourceOf(file);
    expect([await tools(), await tools()]).toEqual([null, null]);
    expect(lines.filter((line) => line.includes('no such library'))).toHaveLength(1);
  });
});
