import { findOnPath } from './find-tools';
import { runTool } from './run-tool';

/** Of one run. */
export interface ToolLimits {
  memoryBytes: number;
  /** Wall clock. */
  seconds: number;
  /** Of any file that it writes. */
  fileBytes: number;
}

/** What one run may do, and where. Absolute paths without symbolic links. */
export interface Bounds extends ToolLimits {
  /** Where it works, and the only place below `root` that it may write to. */
  cwd: string;
  /** The storage root. */
  root: string;
}

/** Threads of one run, so that limits of memory and processor time mean something. */
export const TOOL_THREADS = 2;
/** Address space is taken generously: libraries and stacks of threads reserve what they never touch. */
const ADDRESS_SPACE_FACTOR = 4;
const MAX_OPEN_FILES = 128;
const PROBE_SECONDS = 20;

/**
 * In a mount namespace of its own: `$2` becomes the only writable place below `$3`, and the file system of `/` is read only
 * where that can be had. `cd`, because the directory that it was started in lies behind what was mounted. Ends if the worker
 * (`$4`) has died before that could end it. The text is fixed: paths are arguments, and no shell reads them again.
 */
const CLOSE_STORAGE = [
  '[ "$PPID" = "$4" ] || exit 1',
  '"$1" --bind "$2" "$2" && "$1" --rbind "$3" "$3" && "$1" -o remount,bind,ro "$3" || exit 1',
  '"$1" -o remount,bind,ro / 2>/dev/null',
  'cd "$2" && shift 4 && exec "$@"',
].join('\n');

/** One layer around a tool, in ways of which the first that works here is taken. Each replaces itself by the next (execve). */
interface Layer {
  name: 'limits' | 'network' | 'life' | 'files' | 'privileges';
  /** What is said once where none works. */
  without: string;
  /** All of them have to be there. */
  programs: readonly string[];
  ways: readonly ((bounds: Bounds, paths: readonly string[]) => string[])[];
}

const LAYERS: readonly Layer[] = [
  {
    name: 'limits',
    without: 'prlimit (util-linux) is missing: memory is bounded by ffmpeg alone, and time by the clock',
    programs: ['prlimit'],
    ways: [
      ({ memoryBytes, seconds, fileBytes }, [prlimit = '']) => [
        ...[prlimit, `--data=${memoryBytes}`, `--as=${memoryBytes * ADDRESS_SPACE_FACTOR}`],
        ...[`--cpu=${Math.ceil(seconds) * TOOL_THREADS}`, `--fsize=${fileBytes}`, `--nofile=${MAX_OPEN_FILES}`],
        ...['--core=0', '--'],
      ],
    ],
  },
  {
    name: 'network',
    without: 'no network namespace can be made here: ffmpeg is kept from the network by its list of protocols alone',
    programs: ['unshare'],
    // Root needs no user namespace of its own, and may be where there are none.
    ways: [
      (_bounds, [unshare = '']) => [unshare, '--net', '--'],
      (_bounds, [unshare = '']) => [unshare, '--map-root-user', '--net', '--'],
    ],
  },
  {
    name: 'life',
    without: 'setpriv (util-linux) is missing: ffmpeg lives on for a while if its worker is killed',
    programs: ['setpriv'],
    // After the user namespace: a change of credentials takes the signal back (prctl(2), PR_SET_PDEATHSIG).
    ways: [(_bounds, [setpriv = '']) => [setpriv, '--pdeathsig=KILL', '--']],
  },
  {
    name: 'files',
    without: 'no mount namespace can be made here: what ffmpeg writes to is bounded by its arguments alone',
    // `env`: some shells add to the environment.
    programs: ['unshare', 'sh', 'mount', 'env'],
    ways: [
      ({ cwd, root }, [unshare = '', sh = '', mount = '', env = '']) => [
        ...[unshare, '--mount', '--', sh, '-c', CLOSE_STORAGE, 'sh', mount, cwd, root, String(process.pid), env, '-i'],
      ],
    ],
  },
  {
    name: 'privileges',
    without: 'setpriv (util-linux) is missing: ffmpeg keeps the privileges of its worker',
    programs: ['setpriv'],
    // Once more the signal, because the first one may be gone with the privileges.
    ways: [
      (_bounds, [setpriv = '']) => [
        ...[setpriv, '--pdeathsig=KILL', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'],
      ],
      (_bounds, [setpriv = '']) => [setpriv, '--pdeathsig=KILL', '--no-new-privs', '--'],
    ],
  },
];

/** What stands around each run of a tool on this machine. */
export interface Confinement {
  wrap(command: readonly string[], bounds: Bounds): string[];
  /** Layers that hold. */
  readonly layers: readonly Layer['name'][];
  /** What is missing, a sentence each. */
  readonly missing: readonly string[];
}

type Prefix = (bounds: Bounds) => string[];

async function candidatesOf({ programs, ways }: Layer, searchPath: string | undefined): Promise<Prefix[]> {
  const paths: string[] = [];
  for (const program of programs) {
    const path = await findOnPath(program, searchPath);
    if (path === null) return [];
    paths.push(path);
  }
  return ways.map((way) => (bounds) => way(bounds, paths));
}

async function firstThatHolds(candidates: readonly Prefix[], around: readonly Prefix[], probe: Probe) {
  const { sample, bounds } = probe;
  for (const candidate of candidates) {
    const command = [...around, candidate].flatMap((prefix) => prefix(bounds)).concat(sample);
    const run = runTool({ command, cwd: bounds.cwd, maxSeconds: PROBE_SECONDS });
    const holds = await run.then(
      () => true,
      () => false,
    );
    if (holds) return candidate;
  }
  return null;
}

export interface Probe {
  /** A command that succeeds. */
  sample: readonly string[];
  bounds: Bounds;
  /** As PATH; default: that of this process. */
  searchPath?: string;
}

/**
 * Finds out once which layers hold on this machine, by running the sample behind each. What does not hold is left out and
 * named.
 */
export async function probeConfinement(probe: Probe): Promise<Confinement> {
  const prefixes: Prefix[] = [];
  const layers: Layer['name'][] = [];
  const missing: string[] = [];
  for (const layer of LAYERS) {
    const holds = await firstThatHolds(await candidatesOf(layer, probe.searchPath), prefixes, probe);
    if (holds === null) {
      missing.push(layer.without);
      continue;
    }
    prefixes.push(holds);
    layers.push(layer.name);
  }
  const wrap: Confinement['wrap'] = (command, bounds) => prefixes.flatMap((prefix) => prefix(bounds)).concat(command);
  return { wrap, layers, missing };
}
