import type { IngestLayer } from '../../../../server/contracts';
import { findOnPath } from './find-tools';
import { type Bounds, LAYERS, type Layer } from './layers';
import { readSystemTree, type SystemTree } from './own-root';
import { runTool } from './run-tool';

const PROBE_SECONDS = 20;
/** Users that are not root often have no place of `pivot_root` on their PATH. */
const SYSTEM_PATH = ':/usr/sbin:/sbin';

/** What stands around each run of a tool on this machine. */
export interface Confinement {
  wrap(command: readonly string[], bounds: Bounds): string[];
  /** Layers that hold. */
  readonly layers: readonly IngestLayer[];
  /** Those that should and do not, with a sentence each. */
  readonly missing: readonly { layer: IngestLayer; sentence: string }[];
}

type Prefix = (command: readonly string[], bounds: Bounds) => string[];

async function candidatesOf({ programs, ways }: Layer, searchPath: string, system: SystemTree): Promise<Prefix[]> {
  const paths: string[] = [];
  for (const program of programs) {
    const path = await findOnPath(program, searchPath);
    if (path === null) return [];
    paths.push(path);
  }
  return ways.map(
    (way) =>
      ([tool = ''], bounds) =>
        way({ bounds, paths, tool, system }),
  );
}

async function firstThatHolds(candidates: readonly Prefix[], around: readonly Prefix[], probe: Probe) {
  const { sample, bounds } = probe;
  for (const candidate of candidates) {
    const command = [...around, candidate].flatMap((prefix) => prefix(sample, bounds)).concat(sample);
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
  /** As PATH; default: that of this process, and where the system has its programs. */
  searchPath?: string;
}

/**
 * Finds out once which layers hold on this machine, by running the sample behind each. What does not hold is left out and
 * named.
 */
export async function probeConfinement(probe: Probe): Promise<Confinement> {
  const system = await readSystemTree();
  const searchPath = probe.searchPath ?? `${process.env.PATH ?? ''}${SYSTEM_PATH}`;
  const prefixes: Prefix[] = [];
  const layers: IngestLayer[] = [];
  const missing: { layer: IngestLayer; sentence: string }[] = [];
  for (const layer of LAYERS) {
    if (layer.insteadOf !== undefined && layers.includes(layer.insteadOf)) continue;
    const holds = await firstThatHolds(await candidatesOf(layer, searchPath, system), prefixes, probe);
    if (holds === null) {
      missing.push({ layer: layer.name, sentence: layer.without });
      continue;
    }
    prefixes.push(holds);
    layers.push(layer.name);
  }
  return {
    wrap: (command, bounds) => prefixes.flatMap((prefix) => prefix(command, bounds)).concat(command),
    layers,
    missing,
  };
}
