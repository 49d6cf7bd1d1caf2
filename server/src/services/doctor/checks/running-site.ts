import { version } from '../../../../../package.json';
import { type Check, NOT_RUNNING } from '../examination';
import { fail, ok, skipped } from '../finding';

export const runningSite: Check = {
  name: 'strapi',
  run({ site }) {
    if (site === null) return [skipped(NOT_RUNNING)];
    if (site.status === null) {
      const advice = 'Run this with the environment that Strapi runs with, in the directory of its app.';
      return [fail(`What answers at ${site.origin} does not tell its state. ${site.refusal ?? ''}`.trim(), advice)];
    }
    if (site.status.version !== version) {
      const message = `Strapi runs version ${site.status.version} of the plugin, and ${version} is installed.`;
      return [fail(message, 'Restart Strapi.')];
    }
    return [ok(`answers at ${site.origin}, version ${version}`)];
  },
};
