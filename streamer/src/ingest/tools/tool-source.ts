import path from 'node:path';
import type { Logger } from '../../logger';
import { probeConfinement } from './confinement';
import { findFfmpeg } from './find-tools';
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

  async function open(): Promise<Toolbox | null> {
    const found = await findFfmpeg(ffmpeg);
    if (found === null) return null;
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
