import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { IngestLayer, IngestReason, IngestSettings } from '../../../../server/contracts';
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
  /** `required`: a tool around which not every layer holds is as good as none. */
  confinement: IngestSettings['confinement'];
  /** Real path of the storage root; tools are tried out in its area `ingest`. */
  root: string;
  logger: Logger;
}

interface Found {
  toolbox: Toolbox;
  /** What does not stand around it, and should. */
  unconfined: readonly IngestLayer[];
}

/** Why there is none here. */
interface Lacking {
  toolbox: null;
  lacking: Extract<IngestReason, 'ffmpeg-missing' | 'confinement-missing'>;
  unconfined?: readonly IngestLayer[];
}

/** The tools of this machine. Looked for again each time while they are missing, and told once of each reason. */
export type ToolSource = () => Promise<Found | Lacking>;

const NO_FFMPEG: Lacking = { toolbox: null, lacking: 'ffmpeg-missing' };
const SENTENCES: Record<Lacking['lacking'], string> = {
  'ffmpeg-missing': 'ffmpeg is missing here: jobs are left to other workers',
  'confinement-missing': 'ffmpeg cannot be confined as is required here: jobs are left to other workers',
};

/** Of the real file where that has the same name: a root of its own holds no other places that links lead to. */
async function withoutLinks(file: string): Promise<string> {
  const real = await realpath(file).catch(() => file);
  return path.basename(real) === path.basename(file) ? real : file;
}

export function createToolSource(options: ToolSourceOptions): ToolSource {
  const { ffmpeg, memoryBytes, maxSeconds, root, logger } = options;
  let found: Found | null = null;
  let said: Lacking['lacking'] | null = null;

  /** One that cannot even tell its version is as good as none. */
  async function runs(command: string[], cwd: string): Promise<boolean> {
    return runTool({ command, cwd, maxSeconds: PROBE_LIMITS.seconds }).then(
      () => true,
      ({ message }: Error) => {
        if (said === null) logger.warn({ detail: message }, 'ffmpeg is there, but does not run');
        return false;
      },
    );
  }

  async function open(): Promise<Found | Lacking> {
    const file = await findFfmpeg(ffmpeg);
    if (file === null || !(await runs([file, '-version'], root))) return NO_FFMPEG;
    const tool = await withoutLinks(file);
    const bounds = { ...PROBE_LIMITS, memoryBytes, cwd: path.join(root, 'ingest'), root, reads: [] };
    const confinement = await probeConfinement({ sample: [tool, '-version'], bounds });
    const unconfined = confinement.missing.map(({ layer }) => layer);
    if (said === null) for (const { sentence } of confinement.missing) logger.warn(sentence);
    if (options.confinement === 'required' && unconfined.length > 0) {
      return { toolbox: null, lacking: 'confinement-missing', unconfined };
    }
    logger.info({ layers: confinement.layers }, 'ffmpeg found');
    const lost = () => {
      found = null;
    };
    return { toolbox: createToolbox({ ffmpeg: tool, confinement, root, memoryBytes, maxSeconds, lost }), unconfined };
  }

  return async () => {
    if (found !== null) return found;
    const opened = await open();
    if (opened.toolbox !== null) {
      found = opened;
      said = null;
    } else if (said !== opened.lacking) {
      said = opened.lacking;
      logger.warn(SENTENCES[opened.lacking]);
    }
    return opened;
  };
}
