import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';
import { dependencies } from '../../../../../package.json';
import type { Check } from '../examination';
import { fail, type Judgement, ok } from '../finding';

const NAME = 'node-media-server';
const PIN = dependencies[NAME];
const manifestSchema = z.object({ version: z.string() });

/** From where this runs, as the streamer beside it will find it. */
function installedVersion(): string | null {
  try {
    const manifest: unknown = createRequire(path.join(__dirname, 'index.js'))(`${NAME}/package.json`);
    return manifestSchema.parse(manifest).version;
  } catch {
    return null;
  }
}

export function judgeMediaServer(installed: string | null): Judgement {
  const advice = `Install the plugin's own: remove overrides of ${NAME} and run \`npm install\`.`;
  if (installed === PIN) return ok(`${NAME} ${PIN}, the one that RTMP and FLV are made for`);
  return fail(`${NAME} is ${installed ?? 'missing'}; RTMP and FLV are made for ${PIN} alone.`, advice);
}

export const mediaServerPin: Check = { name: NAME, run: () => [judgeMediaServer(installedVersion())] };
