import type { IngestLayer } from '../../../../server/contracts';
import type { Hardware } from '../encoders/hardware';
import { OWN_ROOT_PROGRAMS, ownRootPrefix, type SystemTree } from './own-root';

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
  /** What else it may read: the film. */
  reads: readonly string[];
  /** What it is given of the machine beside that; absent: nothing. */
  hardware?: Hardware;
}

/** Threads of one run, so that limits of memory and processor time mean something. */
export const TOOL_THREADS = 2;
/** Address space is taken generously: libraries and stacks of threads reserve what they never touch. */
const ADDRESS_SPACE_FACTOR = 4;
const MAX_OPEN_FILES = 128;

/** Of one run that may take so long by the clock. */
export const processorSecondsOf = (seconds: number): number => Math.ceil(seconds) * TOOL_THREADS;

/**
 * Only where no root of its own can be had: `$2` becomes the only writable place below `$3`, and the file system of `/` is
 * read only where that can be had. `cd`, because the directory that it was started in lies behind what was mounted. The text
 * is fixed: paths are arguments, and no shell reads them again.
 */
const CLOSE_STORAGE = [
  '"$1" --bind "$2" "$2" && "$1" --rbind "$3" "$3" && "$1" -o remount,bind,ro "$3" || exit 1',
  '"$1" -o remount,bind,ro / 2>/dev/null',
  'cd "$2" && shift 3 && exec "$@"',
].join('\n');

/** The worker may have died before its death could end this. */
const STAY_WITH_WORKER = '[ "$PPID" = "$1" ] && shift && exec "$@"';

/** What a prefix is made of. */
interface Around {
  bounds: Bounds;
  /** Of the layer's programs. */
  paths: readonly string[];
  /** Program that is run in the end. */
  tool: string;
  system: SystemTree;
}

/** One layer around a tool, in ways of which the first that works here is taken. Each replaces itself by the next (execve). */
export interface Layer {
  name: IngestLayer;
  /** What is said once where none works. */
  without: string;
  /** All of them have to be there. */
  programs: readonly string[];
  ways: readonly ((around: Around) => string[])[];
  /** A lesser layer, tried only where that one does not hold. */
  insteadOf?: IngestLayer;
}

export const LAYERS: readonly Layer[] = [
  {
    name: 'limits',
    without: 'prlimit (util-linux) is missing: memory is bounded by ffmpeg alone, and time by the clock',
    programs: ['prlimit'],
    ways: [
      ({ bounds: { memoryBytes, seconds, fileBytes, hardware }, paths: [prlimit = ''] }) => [
        ...[prlimit, `--data=${memoryBytes}`],
        // A card's driver reserves as much of it as the machine and the card have memory.
        ...(hardware === undefined ? [`--as=${memoryBytes * ADDRESS_SPACE_FACTOR}`] : []),
        ...[`--cpu=${processorSecondsOf(seconds)}`, `--fsize=${fileBytes}`, `--nofile=${MAX_OPEN_FILES}`],
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
      ({ paths: [unshare = ''] }) => [unshare, '--net', '--'],
      ({ paths: [unshare = ''] }) => [unshare, '--map-root-user', '--net', '--'],
    ],
  },
  {
    name: 'life',
    without: 'setpriv (util-linux) is missing: ffmpeg lives on for a while if its worker is killed',
    programs: ['setpriv', 'sh'],
    // After the user namespace: a change of credentials takes the signal back (prctl(2), PR_SET_PDEATHSIG).
    ways: [
      ({ paths: [setpriv = '', sh = ''] }) => [
        ...[setpriv, '--pdeathsig=KILL', '--', sh, '-c', STAY_WITH_WORKER, 'sh', String(process.pid)],
      ],
    ],
  },
  {
    name: 'root',
    without: 'ffmpeg can have no root of its own here: it may read what the user of its worker may read',
    programs: OWN_ROOT_PROGRAMS,
    ways: [
      ({ bounds: { cwd, reads, hardware }, paths: programs, tool, system }) =>
        ownRootPrefix(system, { programs, tool, cwd, reads, ...hardware }),
    ],
  },
  {
    name: 'files',
    insteadOf: 'root',
    without: 'no mount namespace can be made here: what ffmpeg writes to is bounded by its arguments alone',
    // `env`: some shells add to the environment.
    programs: ['unshare', 'sh', 'mount', 'env'],
    ways: [
      ({ bounds: { cwd, root }, paths: [unshare = '', sh = '', mount = '', env = ''] }) => [
        ...[unshare, '--mount', '--', sh, '-c', CLOSE_STORAGE, 'sh', mount, cwd, root, env, '-i'],
      ],
    ],
  },
  {
    name: 'privileges',
    without: 'setpriv (util-linux) is missing: ffmpeg keeps the privileges of its worker',
    programs: ['setpriv'],
    // Once more the signal, because the first one may be gone with the privileges.
    ways: [
      ({ paths: [setpriv = ''] }) => [
        ...[setpriv, '--pdeathsig=KILL', '--no-new-privs', '--bounding-set=-all', '--inh-caps=-all', '--'],
      ],
      ({ paths: [setpriv = ''] }) => [setpriv, '--pdeathsig=KILL', '--no-new-privs', '--'],
    ],
  },
];
