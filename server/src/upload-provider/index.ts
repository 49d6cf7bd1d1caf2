import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';

const ROUTED = Symbol.for('strapi-plugin-protected-vod.routed');

const optionsSchema = z.object({
  /** Name of the provider that keeps everything that is not a film, as in `config/plugins` → `upload`. */
  delegate: z.string().min(1).default('local'),
  delegateOptions: z.record(z.string(), z.unknown()).default({}),
});

type Method = (...args: unknown[]) => unknown;
type Provider = Record<string, Method>;

interface RunningStrapi {
  dirs: { app: { root: string } };
  plugin(name: string): { provider?: object };
}

/** Bundles share no modules: the running Strapi is the only thing that both sides see. */
function runningStrapi(): RunningStrapi {
  return (globalThis as unknown as { strapi: RunningStrapi }).strapi;
}

/** From the site first, then from where Strapi itself would look: isolated node_modules hide its own providers. */
function resolveModule(name: string): string {
  let from = createRequire(path.join(runningStrapi().dirs.app.root, 'package.json'));
  for (const via of ['@strapi/strapi/package.json', '@strapi/upload/package.json']) {
    try {
      return from.resolve(name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
      from = createRequire(from.resolve(via));
    }
  }
  return from.resolve(name);
}

function loadDelegate(name: string): { init(options: object): Provider } {
  const load = createRequire(path.join(runningStrapi().dirs.app.root, 'package.json'));
  // The same order as Strapi: its own naming scheme first, then any module of that name.
  try {
    return load(resolveModule(`@strapi/provider-upload-${name.toLowerCase()}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error;
    return load(resolveModule(name));
  }
}

function requireRouting(): void {
  const provider: object | undefined = runningStrapi().plugin('upload').provider;
  if (provider && ROUTED in provider) return;
  throw new Error('The upload provider of strapi-plugin-protected-vod works only while that plugin is enabled.');
}

/**
 * Strapi's provider interface for sites that name this provider in `config/plugins`. The plugin routes films before
 * they come here, so what comes here goes to the delegate; without the plugin nothing is stored at all.
 */
export const init = (providerOptions: unknown): Provider => {
  const { delegate, delegateOptions } = optionsSchema.parse(providerOptions ?? {});
  const inner = loadDelegate(delegate).init(delegateOptions);
  const methods = Object.entries(inner).filter(([, method]) => typeof method === 'function');
  return Object.fromEntries(
    methods.map(([name, method]) => [
      name,
      (...args: unknown[]) => {
        requireRouting();
        return method.apply(inner, args);
      },
    ]),
  );
};
