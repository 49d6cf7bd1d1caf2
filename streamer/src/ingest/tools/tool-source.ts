import path from 'node:path';
import type { Logger } from '../../logger';
import { probeConfinement } from './confinement';
import { findFfmpeg } from './find-tools';
import { runTool } from './run-tool';
import { createToolbox, type Toolbox } from './toolbox';

const PROBE_LIMITS = { seconds: 20, fileBytes: 1024 * 1024 };

export interface ToolSourceOptions {
  /** Path of ffmpeg; absent: on the PATH. */
  ffmpeg: string | undefined;
  memoryBytes: number;
  maxSeconds: number;
  /** Real path of the storage root; tools are tried out in its area `ingest`. */
  root: string;
  logger: Logger;
}

/** The tools of this machine; null: there are none. Looked for again each time while they are missing, and told once. */
export type ToolSource = () => Promise<Toolbox | null>;

export function createToolSource({ ffmpeg, memoryBytes, maxSeconds, root, logger }: ToolSourceOptions): ToolSource {
  let tools: Toolbox | null = null;
  let saidMissing = false;

  /** One that cannot even tell its version is as good as none. */
  async function runs(command: string[], cwd: string): Promise<boolean> {
    return runTool({ command, cwd, maxSeconds: PROBE_LIMITS.seconds }).then(
      () => true,
      ({ message }: Error) => {
        if (!saidMissing) logger.warn({ detail: message }, 'ffmpeg is there, but does not run');
        return false;
      },
    );
  }

  async function open(): Promise<Toolbox | null> {
    const found = await findFfmpeg(ffmpeg);
    if (found === null || !(await runs([found, '-version'], root))) return null;
    const bounds = { ...PROBE_LIMITS, memoryBytes, cwd: path.join(root, 'ingest'), root };
    const confinement = await probeConfinement({ sample: [found, '-version'], bounds });
    for (const sentence of confinement.missing) logger.warn(sentence);
    logger.info({ layers: confinement.layers }, 'ffmpeg found');
    return createToolbox({ ffmpeg: found, confinement, root, memoryBytes, maxSeconds });
  }

  return async () => {
    tools ??= await open();
    if (tools === null && !saidMissing) {
      saidMissing = true;
      logger.warn('ffmpeg is missing here: jobs are left to other workers');
    }
    return tools;
  };
}
