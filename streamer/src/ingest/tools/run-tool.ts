import { type ChildProcess, spawn } from 'node:child_process';
import { IngestError } from '../ingest-error';
import { secondsOfEndedChildren } from './processor-time';

const MAX_OUTPUT_BYTES = 1024 * 1024;
/** The end of what it complained about is what tells. */
const KEPT_COMPLAINT = 2000;
/** For what the tool printed last. Whatever it started in a group of its own may hold the pipes open for ever. */
const PIPES_OPEN_MS = 1_000;

export interface ToolRun {
  /** Absolute path of the program, then its arguments: no shell ever sees them. */
  command: readonly string[];
  /** Where it works; relative names of its outputs lie there. */
  cwd: string;
  /** By the clock on the wall. */
  maxSeconds: number;
  /** Processor time after which the kernel kills it; absent: it has no such limit. */
  processorSeconds?: number;
  signal?: AbortSignal;
}

type End = { code: number | null; signal: NodeJS.Signals | null };

/** The whole group, so that nothing which the tool started lives on. */
function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // It has gone already.
  }
}

/** A shell that stands around the tool tells a signal in this way. */
const SIGNAL_BY_STATUS = new Map<number | null, NodeJS.Signals>([
  [137, 'SIGKILL'],
  [152, 'SIGXCPU'],
]);

function reasonOf({ code, signal }: End, complaint: string, hasSpentItsTime: boolean): IngestError | null {
  const detail = `${signal ?? `exit status ${code}`}: ${complaint.trim()}`;
  // Some demuxers then speak of memory, others go on without what is beyond.
  if (/exceeds max_streams/.test(complaint)) return new IngestError('source-has-too-many-tracks', detail);
  // First, because ffmpeg ends what it could not go on with as if it were whole, with status 0.
  if (/No space left on device|Disk quota exceeded/.test(complaint)) return new IngestError('disk-full', detail);
  if (/Cannot allocate memory|std::bad_alloc/.test(complaint)) return new IngestError('tool-memory', detail);
  if (code === 0) return null;
  const how = signal ?? SIGNAL_BY_STATUS.get(code);
  // Nobody here sends these. The kernel does at the limit of processor time, and where the machine is out of memory.
  if (how === 'SIGXCPU') return new IngestError('tool-timeout', detail);
  if (how === 'SIGKILL') return new IngestError(hasSpentItsTime ? 'tool-timeout' : 'tool-killed', detail);
  return new IngestError('tool-failed', detail);
}

class Running {
  readonly #output: Buffer[] = [];
  #outputBytes = 0;
  #complaint = '';
  /** Why it was killed from here. */
  #verdict: IngestError | null = null;

  constructor(private readonly child: ChildProcess) {
    child.stdout?.on('data', (piece: Buffer) => this.#take(piece));
    child.stderr?.on('data', (piece: Buffer) => {
      this.#complaint = (this.#complaint + piece.toString('utf8')).slice(-KEPT_COMPLAINT);
    });
  }

  kill(verdict: IngestError): void {
    this.#verdict ??= verdict;
    killGroup(this.child);
  }

  async ended(hasSpentItsTime: () => boolean): Promise<string> {
    const end = await new Promise<End>((resolve, reject) => {
      this.child.once('error', (cause) => reject(new IngestError('ffmpeg-missing', cause.message, { cause })));
      this.child.once('close', (code, signal) => resolve({ code, signal }));
      this.child.once('exit', () => setTimeout(() => this.#closePipes(), PIPES_OPEN_MS).unref());
    });
    const error = this.#verdict ?? reasonOf(end, this.#complaint, hasSpentItsTime());
    if (error !== null) throw error;
    return Buffer.concat(this.#output).toString('utf8');
  }

  #closePipes(): void {
    this.child.stdout?.destroy();
    this.child.stderr?.destroy();
  }

  #take(piece: Buffer): void {
    this.#outputBytes += piece.byteLength;
    if (this.#outputBytes <= MAX_OUTPUT_BYTES) this.#output.push(piece);
    else this.kill(new IngestError('output-invalid', 'it printed without end'));
  }
}

/** Of this process, since its start. */
let runsEnded = 0;

/**
 * Runs a program that is fed with hostile input: an argument array, an empty environment, no standard input, a process group
 * of its own. Resolves to what it printed. Throws `IngestError`, or the signal's reason when that was aborted; in every
 * case nothing of it is left running.
 */
export async function runTool(run: ToolRun): Promise<string> {
  const { command, cwd, maxSeconds, processorSeconds = Number.POSITIVE_INFINITY, signal } = run;
  signal?.throwIfAborted();
  const [spentBefore, endedBefore] = [secondsOfEndedChildren(), runsEnded];
  const [program = '', ...args] = command;
  const child = spawn(program, args, { cwd, env: {}, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const running = new Running(child);
  const timer = setTimeout(
    () => running.kill(new IngestError('tool-timeout', `it took more than ${maxSeconds} seconds`)),
    maxSeconds * 1000,
  );
  const onAbort = () => killGroup(child);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    // The limit is told in whole seconds. Whose time it was cannot be told where another run has ended meanwhile.
    return await running.ended(
      () => runsEnded === endedBefore && secondsOfEndedChildren() - spentBefore > processorSeconds - 1,
    );
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    runsEnded += 1;
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    killGroup(child);
  }
}
