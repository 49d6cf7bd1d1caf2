import type { Confinement } from './confinement';
import { TOOL_THREADS } from './confinement';
import type { FilmInput } from './film-input';
import { type FilmProbe, parseProbe, probeArguments } from './film-probe';
import { runTool } from './run-tool';

const PROBE_SECONDS = 60;
const PROBE_FILE_BYTES = 1024 * 1024;

export interface ToolboxOptions {
  /** Absolute path. */
  ffmpeg: string;
  confinement: Confinement;
  /** Real path of the storage root. */
  root: string;
  memoryBytes: number;
  /** No run may take longer. */
  maxSeconds: number;
}

export interface FfmpegRun {
  args: readonly string[];
  cwd: string;
  /** Less than the worker's own limit, or that. */
  seconds: number;
  fileBytes: number;
  signal: AbortSignal;
}

/** The one way to ffmpeg. */
export interface Toolbox {
  /** Resolves to what it printed. Throws as `runTool` does. */
  ffmpeg(run: FfmpegRun): Promise<string>;
  /** What is in a film, of which these decoders alone may see anything. Throws as `runTool` and `parseProbe` do. */
  probe(input: FilmInput, decoders: readonly string[], run: Pick<FfmpegRun, 'cwd' | 'signal'>): Promise<FilmProbe>;
}

export function createToolbox({ ffmpeg: path, confinement, root, memoryBytes, maxSeconds }: ToolboxOptions): Toolbox {
  const always = [
    ...['-nostdin', '-y', '-hide_banner', '-loglevel', 'error'],
    // One allocation may be half of all: a picture is held several times.
    ...['-max_alloc', String(Math.floor(memoryBytes / 2)), '-threads', String(TOOL_THREADS)],
  ];

  function ffmpeg({ args, cwd, seconds, fileBytes, signal }: FfmpegRun): Promise<string> {
    const bounds = { memoryBytes, seconds: Math.min(seconds, maxSeconds), fileBytes, cwd, root };
    const command = confinement.wrap([path, ...always, ...args], bounds);
    return runTool({ command, cwd, maxSeconds: bounds.seconds, signal });
  }

  return {
    ffmpeg,
    async probe(input, decoders, { cwd, signal }) {
      const args = probeArguments(input, decoders);
      return parseProbe(await ffmpeg({ args, cwd, seconds: PROBE_SECONDS, fileBytes: PROBE_FILE_BYTES, signal }));
    },
  };
}
