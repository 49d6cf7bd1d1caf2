import { access } from 'node:fs/promises';
import type { IngestReason } from '../../../../server/contracts';
import type { Hardware } from '../encoders/hardware';
import { IngestError } from '../ingest-error';
import type { Confinement } from './confinement';
import type { FilmInput } from './film-input';
import { type FilmProbe, parseProbe, probeArguments } from './film-probe';
import { type Bounds, processorSecondsOf, TOOL_THREADS } from './layers';
import { runTool } from './run-tool';

const PROBE_SECONDS = 60;
const PROBE_FILE_BYTES = 1024 * 1024;
/** Why a run fails whose tool is not there any more, among other causes. */
const MAY_BE_GONE: ReadonlySet<IngestReason> = new Set(['tool-failed', 'ffmpeg-missing']);

export interface ToolboxOptions {
  /** Absolute path. */
  ffmpeg: string;
  confinement: Confinement;
  /** Real path of the storage root. */
  root: string;
  memoryBytes: number;
  /** No run may take longer. */
  maxSeconds: number;
  /** It does not run any more: it was removed, or what stands around it cannot be had any more. */
  lost?(): void;
}

export interface FfmpegRun {
  /** Of the files that it is to read (`-i file:…`), those with absolute paths are shown to it, wherever they lie. */
  args: readonly string[];
  /** Where it works; all that it can write to. */
  cwd: string;
  /** Less than the worker's own limit, or that. */
  seconds: number;
  fileBytes: number;
  signal: AbortSignal;
  /** Absolute paths of more files or directories that it may read. */
  reads?: readonly string[];
  /** What of the machine it may use; absent or null: nothing. */
  hardware?: Hardware | null;
}

/** The one way to ffmpeg. */
export interface Toolbox {
  /** Resolves to what it printed. Throws as `runTool` does. */
  ffmpeg(run: FfmpegRun): Promise<string>;
  /** What is in a film, of which these decoders alone may see anything. Throws as `runTool` and `parseProbe` do. */
  probe(input: FilmInput, decoders: readonly string[], run: Pick<FfmpegRun, 'cwd' | 'signal'>): Promise<FilmProbe>;
}

const FILE = 'file:/';

/** Absolute paths that these arguments name as input. */
function inputsOf(args: readonly string[]): string[] {
  return args.flatMap((argument, at) => {
    return args[at - 1] === '-i' && argument.startsWith(FILE) ? [argument.slice(FILE.length - 1)] : [];
  });
}

async function areThere(files: readonly string[]): Promise<boolean> {
  return Promise.all(files.map((file) => access(file))).then(
    () => true,
    () => false,
  );
}

export function createToolbox({
  ffmpeg: path,
  confinement,
  root,
  memoryBytes,
  maxSeconds,
  lost,
}: ToolboxOptions): Toolbox {
  const always = [
    ...['-nostdin', '-y', '-hide_banner', '-loglevel', 'error'],
    // One allocation may be half of all: a picture is held several times.
    ...['-max_alloc', String(Math.floor(memoryBytes / 2)), '-threads', String(TOOL_THREADS)],
  ];

  async function run(args: readonly string[], bounds: Bounds, signal: AbortSignal): Promise<string> {
    const { cwd, seconds } = bounds;
    const limit = confinement.layers.includes('limits') && { processorSeconds: processorSecondsOf(seconds) };
    const command = confinement.wrap([path, ...args], bounds);
    return runTool({ command, cwd, maxSeconds: seconds, ...limit, signal });
  }

  /** A tool that does not even tell its version any more says nothing about a film, nor does one that is not there any more. */
  async function judge(error: unknown, bounds: Bounds, signal: AbortSignal): Promise<unknown> {
    if (!(error instanceof IngestError) || !MAY_BE_GONE.has(error.reason)) return error;
    if (!(await areThere(bounds.reads))) return new IngestError('source-missing', error.detail, { cause: error });
    try {
      await run(['-version'], { ...bounds, reads: [] }, signal);
      return error;
    } catch (cause) {
      if (!(cause instanceof IngestError) || !MAY_BE_GONE.has(cause.reason)) return error;
      lost?.();
      return new IngestError('ffmpeg-missing', `it does not run any more: ${cause.detail}`, { cause });
    }
  }

  async function ffmpeg({ args, cwd, seconds, fileBytes, signal, reads = [], ...more }: FfmpegRun): Promise<string> {
    const limits = { memoryBytes, seconds: Math.min(seconds, maxSeconds), fileBytes };
    const bounds = { ...limits, cwd, root, reads: [...inputsOf(args), ...reads] };
    const { hardware } = more;
    try {
      return await run([...always, ...args], hardware ? { ...bounds, hardware } : bounds, signal);
    } catch (error) {
      throw await judge(error, bounds, signal);
    }
  }

  return {
    ffmpeg,
    async probe(input, decoders, { cwd, signal }) {
      const args = probeArguments(input, decoders);
      return parseProbe(await ffmpeg({ args, cwd, seconds: PROBE_SECONDS, fileBytes: PROBE_FILE_BYTES, signal }));
    },
  };
}
