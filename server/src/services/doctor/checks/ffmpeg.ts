import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { configOf } from '../../../config';
import type { Check } from '../examination';
import { REVIEWED, type Vulnerability, vulnerabilitiesOf } from '../ffmpeg-vulnerabilities';
import { fail, type Judgement, ok, warn } from '../finding';
import { parseVersion } from '../version-number';

const TIMEOUT_MS = 5000;
const execute = promisify(execFile);

/** Null: it is not there, or does not run. */
async function askVersion(file: string): Promise<string | null> {
  try {
    const { stdout } = await execute(file, ['-version'], {
      timeout: TIMEOUT_MS,
      env: { PATH: process.env.PATH ?? '' },
    });
    return /^\w+ version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  } catch {
    return null;
  }
}

const lineOf = ({ id, what, source }: Vulnerability) => `${id}, ${what}: ${source}`;

/** `file`: what the ingest worker runs. */
export function judgeVersion(file: string, version: string | null): Judgement {
  const tool = path.basename(file);
  if (version === null) {
    const without = 'No posters, storyboards or lower qualities can be made; films play as they were uploaded.';
    return warn(
      `${file} does not run. ${without}`,
      `Install it where \`${file} -version\` finds it, or set ingest.ffmpeg.`,
    );
  }
  const parsed = parseVersion(version);
  if (parsed === null) {
    return warn(`${tool} ${version} is no release: whether it has known holes cannot be told.`, 'Use a release.');
  }
  const known = vulnerabilitiesOf(parsed);
  if (known.length === 0) return ok(`${tool} ${version}, without a hole known to this plugin (list of ${REVIEWED})`);
  const message = `${tool} ${version} has ${known.length} known holes that an uploaded film can reach.`;
  const lines = known.map(lineOf);
  // Distributions mend what they ship under its old number.
  if (/[-+~]/.test(version)) {
    return warn(message, 'Ask your distribution whether it has mended them in this package, or update.', lines);
  }
  return fail(message, 'Update it.', lines);
}

export const ffmpeg: Check = {
  name: 'ffmpeg',
  async run({ strapi }) {
    const { ffmpeg: own } = configOf(strapi).ingest;
    const file = own === undefined ? 'ffmpeg' : path.resolve(strapi.dirs.app.root, own);
    return [judgeVersion(file, await askVersion(file))];
  },
};
