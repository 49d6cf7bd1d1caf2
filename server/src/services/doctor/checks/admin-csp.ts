import { configOf } from '../../../config';
import { type Check, NOT_RUNNING } from '../examination';
import { type Judgement, ok, skipped, warn } from '../finding';

const TIMEOUT_MS = 5000;
const ADVICE = "Set contentSecurityPolicy of 'strapi::security' in config/middlewares.";

function readPolicy(header: string): Map<string, string[]> {
  const directives = header.split(';').map((directive) => directive.trim().split(/\s+/));
  return new Map(directives.map(([name = '', ...sources]) => [name.toLowerCase(), sources]));
}

function permits(sources: string[], origin: string | null): boolean {
  if (sources.includes('*')) return true;
  if (origin === null) return sources.includes("'self'");
  const { protocol } = new URL(origin);
  return sources.includes(protocol) || sources.some((source) => source.replace(/\/+$/, '') === origin);
}

/** `origin`: where films come from; null: from Strapi's own. `isBuilding`: Strapi itself opens scripts for Vite then. */
export function judgePolicy(header: string | null, origin: string | null, isBuilding: boolean): Judgement[] {
  if (header === null) return [warn('The admin panel has no Content-Security-Policy.', ADVICE)];
  const policy = readPolicy(header);
  const of = (name: string) => policy.get(name) ?? policy.get('default-src') ?? ['*'];
  const found: Judgement[] = [];
  for (const name of ['media-src', 'connect-src']) {
    if (permits(of(name), origin)) continue;
    found.push(warn(`Films cannot play in the admin panel: ${name} does not permit ${origin ?? "'self'"}.`, ADVICE));
  }
  if (!of('media-src').includes('blob:') && !of('media-src').includes('*')) {
    found.push(warn('Films cannot play in the admin panel: media-src does not permit blob:.', ADVICE));
  }
  const isOpen = of('script-src').some((source) =>
    ["'unsafe-inline'", "'unsafe-eval'", '*', 'https:'].includes(source),
  );
  if (isOpen && !isBuilding) {
    found.push(warn('The admin panel runs scripts from anywhere: its script-src has been opened.', ADVICE));
  }
  return found.length > 0 ? found : [ok("permits the player, and is Strapi's own otherwise")];
}

export const adminCsp: Check = {
  name: 'admin-csp',
  async run({ strapi, site }) {
    if (site === null) return [skipped(NOT_RUNNING)];
    const { publicUrl } = configOf(strapi).streamer;
    const adminPath: unknown = strapi.config.get('admin.path');
    const response = await fetch(`${site.origin}${typeof adminPath === 'string' ? adminPath : '/admin'}`, {
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    const origin = publicUrl === undefined ? null : new URL(publicUrl).origin;
    const isBuilding = ['development', 'test'].includes(process.env.NODE_ENV ?? '');
    return judgePolicy(response.headers.get('content-security-policy'), origin, isBuilding);
  },
};
