import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { OPERATOR_CREDENTIAL_HEADER, operatorStatusSchema } from '../../server/contracts';
import { publishVideo, uploadFilm } from './films';
import { type PlaybackSite, startPlaybackSite } from './playback-site';
import { makeSiteWithCode } from './site-with-code';
import { startCommand } from './storage-command';
import type { StrapiApp } from './strapi-app';

export interface Finding {
  check: string;
  verdict: 'ok' | 'warn' | 'FAIL' | 'skipped';
  message: string;
  advice?: string;
  items?: string[];
}

/** A site with one published film and a public directory of its own, and its app's directory for the command line. */
export interface DoctorSite extends PlaybackSite {
  publicDirectory: string;
  /** What the service finds, beside the site that runs. */
  examine(): Promise<Finding[]>;
  /** Runs `protected-vod doctor` as on the machine of the site. */
  doctor(args?: string[], env?: Record<string, string>): Promise<{ code: number; out: string; err: string }>;
  stop(): Promise<void>;
}

async function statusOf(app: StrapiApp) {
  const credential: string = app.strapi.plugin('protected-vod').service('keys').keyring().operatorCredential;
  const response = await fetch(`${app.url}/api/protected-vod/internal/operator/status`, {
    method: 'POST',
    headers: { [OPERATOR_CREDENTIAL_HEADER]: credential },
  });
  return operatorStatusSchema.parse(await response.json());
}

export async function startDoctorSite(): Promise<DoctorSite> {
  const publicDirectory = await mkdtemp(path.join(tmpdir(), 'protected-vod-public-'));
  await mkdir(path.join(publicDirectory, 'uploads'));
  process.env.PUBLIC_DIR = publicDirectory;
  const site = await startPlaybackSite();
  const { id: source } = await uploadFilm(site.app, site.editor);
  await publishVideo(site.app, site.editor, { source });
  const code = await makeSiteWithCode('../app/src/index.js');
  return {
    ...site,
    publicDirectory,
    async examine() {
      const running = { origin: site.app.url, status: await statusOf(site.app), refusal: null };
      const doctor = site.app.strapi.plugin('protected-vod').service('doctor');
      const findings: Finding[] = [];
      for await (const found of doctor.examine({ site: running, isThorough: false })) findings.push(found);
      return findings;
    },
    doctor(args = [], env = {}) {
      const { port } = new URL(site.app.url);
      return startCommand(['doctor', ...args], { cwd: code.env.SITE_APP_DIR, env: { PORT: port, ...env } }).result;
    },
    async stop() {
      await site.app.stop();
      await code.remove();
      await rm(publicDirectory, { recursive: true });
      delete process.env.PUBLIC_DIR;
    },
  };
}
