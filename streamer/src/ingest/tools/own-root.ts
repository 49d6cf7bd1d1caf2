import { lstat, readlink, stat } from 'node:fs/promises';
import path from 'node:path';

/** Where the new root is put together: a directory that every Linux has, and that nothing needs here. */
const PLACE = '/sys';

/**
 * Programs, libraries, and what leads to libraries. Not `/usr` as a whole: sites lie in `/usr/src` and `/usr/local` too. Names
 * without spaces.
 */
const SYSTEM: readonly string[] = [
  ...['/bin', '/lib', '/lib32', '/lib64', '/usr/bin', '/usr/lib', '/usr/lib32', '/usr/lib64', '/usr/local/lib'],
  ...['/usr/local/lib64', '/etc/ld.so.cache', '/etc/alternatives', '/nix/store', '/gnu/store'],
];

export const OWN_ROOT_PROGRAMS: readonly string[] = [
  'unshare',
  'sh',
  'mount',
  'umount',
  'pivot_root',
  'mkdir',
  'ln',
  'env',
];

/**
 * In a mount and a process namespace of its own: puts a root together that holds what is listed and nothing else, makes it
 * this one's, and lets go of the old one. The text is fixed: paths are arguments, and no shell reads them again.
 *
 * The shell stays as the first process of its namespace, with which the kernel ends all others: no tool lives on by a group or
 * session of its own. `proc` leads to the old one, where `umount` reads, and to nothing afterwards. `env`: some shells add to
 * the environment.
 */
const ENTER_OWN_ROOT = [
  'mount=$1 umount=$2 pivot=$3 mkdir=$4 ln=$5 env=$6 cwd=$7 tool=$8 links=$9',
  'shift 9',
  'directories=$1 system=$2',
  'shift 2',
  `new=${PLACE}`,
  'show() {',
  '  if [ ! -e "$new$2" ]; then',
  `    [ -d "$new\${2%/*}" ] || "$mkdir" -p "$new\${2%/*}" || exit 1`,
  '    if [ -d "$2" ]; then "$mkdir" "$new$2"; else : >"$new$2"; fi || exit 1',
  '  fi',
  '  "$mount" --bind -o "$1" "$2" "$new$2" || exit 1',
  '}',
  '"$mount" -t tmpfs -o mode=755,size=1m,nosuid,nodev tmpfs "$new" && cd "$new" || exit 1',
  '"$mkdir" -p old dev $directories "$new$cwd" && "$ln" -s old/proc $links . || exit 1',
  'for one in $system; do show ro,nosuid,nodev "$one"; done',
  '[ -z "$tool" ] || show ro,nosuid,nodev "$tool"',
  'while [ "$1" != -- ]; do show ro,nosuid,nodev,noexec "$1" && shift; done',
  'shift',
  'while [ "$1" != -- ]; do show ro,nosuid,noexec "$1" && shift; done',
  'shift',
  'show nosuid,nodev,noexec "$cwd" && show ro,nosuid,noexec /dev/null',
  '"$mount" -o remount,bind,ro,nosuid,nodev "$new" || exit 1',
  '"$pivot" . old && "$umount" -l /old && cd "$cwd" || exit 1',
  '"$env" -i "$@"',
  'exit $?',
].join('\n');

/** What of the machine a tool needs to run. */
export interface SystemTree {
  /** Absolute paths of directories and files. */
  shown: readonly string[];
  /** Of those, the directories, relative to the root. */
  directories: readonly string[];
  /** Targets of links in the root that have the same names: `usr/lib`. */
  links: readonly string[];
}

export async function readSystemTree(): Promise<SystemTree> {
  const [shown, directories, links]: [string[], string[], string[]] = [[], [], []];
  for (const name of SYSTEM) {
    const entry = await lstat(name).catch(() => null);
    const target = entry?.isSymbolicLink() ? await readlink(name) : null;
    if (target !== null && `/${target}` === `/usr${name}`) links.push(target);
    else if (entry !== null) {
      shown.push(name);
      const isDirectory = await stat(name).then(
        (one) => one.isDirectory(),
        () => false,
      );
      directories.push((isDirectory ? name : path.dirname(name)).slice(1));
    }
  }
  return { shown, directories, links };
}

const isBelow = (file: string, directory: string): boolean => file === directory || file.startsWith(`${directory}/`);

export interface OwnRoot {
  /** Of `OWN_ROOT_PROGRAMS`, in their order. */
  programs: readonly string[];
  /** Program that is run in the end. */
  tool: string;
  /** The one place to write to. */
  cwd: string;
  /** Files and directories that may be read, beside the system's. */
  reads: readonly string[];
  /** Nodes of devices that may be used. */
  devices?: readonly string[];
  /** Files of the system that are mounts of their own. Names without spaces. */
  libraries?: readonly string[];
}

/** What is put before a command, for it to run in a root of its own. All paths are absolute, and the same inside. */
export function ownRootPrefix(
  { shown, directories, links }: SystemTree,
  { programs, tool, cwd, reads, devices = [], libraries = [] }: OwnRoot,
): string[] {
  const [unshare = '', sh = '', ...others] = programs;
  const covered = [...shown, ...links.map((target) => `/${path.basename(target)}`)];
  const own = covered.some((directory) => isBelow(tool, directory)) ? '' : tool;
  const listed = reads.filter((file) => !isBelow(file, cwd)).sort();
  return [
    ...[unshare, '--mount', '--pid', '--ipc', '--fork', '--kill-child', '--', sh, '-c', ENTER_OWN_ROOT, 'sh'],
    ...[...others, cwd, own, links.join(' '), directories.join(' '), [...shown, ...libraries].join(' ')],
    ...[...new Set(listed), '--', ...devices, '--'],
  ];
}
