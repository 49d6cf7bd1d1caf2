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

function sourceOf(ffmpeg: string, confinement: 'required' | 'best-effort' = 'best-effort') {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const logger = createLogger({ process: 'ingest', level: 'debug', secrets: [root], destination });
  const source = createToolSource({ ffmpeg, memoryBytes: 1024 ** 3, maxSeconds: 60, confinement, root, logger });
  return { lines, source, tools: async () => (await source()).toolbox };
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

  // In a root of its own it has no neighbours.
  const NEEDS_A_NEIGHBOUR = '#!/bin/sh\nexec "$(dirname "$0")/neighbour"\n';
  async function loneTool(): Promise<string> {
    const file = path.join(root, 'needy');
    await writeFile(path.join(root, 'neighbour'), '#!/bin/sh\n', { mode: 0o755 });
    await writeFile(file, NEEDS_A_NEIGHBOUR, { mode: 0o755 });
    return file;
  }

  it('S24 that cannot be confined is run where that is allowed, and told of', async () => {
    const { lines, source } = sourceOf(await loneTool());
    const found = await source();
    expect(found.toolbox).not.toBeNull();
    expect(found.unconfined).toContain('root');
    await source();
    expect(lines.filter((line) => line.includes('no root of its own'))).toHaveLength(1);
  });

  it('S24 that cannot be confined is as good as none where that is required', async () => {
    const { lines, source } = sourceOf(await loneTool(), 'required');
    for (const _ of [1, 2]) {
      expect(await source()).toMatchObject({ toolbox: null, lacking: 'confinement-missing' });
    }
    expect(lines.filter((line) => line.includes('cannot be confined as is required'))).toHaveLength(1);
    expect(lines.filter((line) => line.includes('no root of its own'))).toHaveLength(1);
  });

  it('that goes away in the middle is missing, not a fault of the film', async () => {
    const file = path.join(root, 'leaving');
    const script = (more: string) => `#!/bin/sh\n[ "$1" = -version ] || exit 1\n${more}`;
    await writeFile(file, script(''), { mode: 0o755 });
    const { tools } = sourceOf(file);
    const toolbox = await tools();
    const cwd = path.join(root, 'ingest');
    const { signal } = new AbortController();
    const run = (...args: string[]) => toolbox?.ffmpeg({ args, cwd, seconds: 20, fileBytes: 1000, signal });
    await expect(run()).rejects.toMatchObject({ reason: 'tool-failed' });
    expect(await tools()).toBe(toolbox);
    // Nor is a film that has gone a fault of the tool.
    await expect(run('-i', 'file:/nowhere/film.mp4')).rejects.toMatchObject({ reason: 'source-missing' });
    expect(await tools()).toBe(toolbox);
    await rm(file);
    await expect(run()).rejects.toMatchObject({ reason: 'ffmpeg-missing', isFinal: false });
    expect(await tools()).toBeNull();
  });
});
