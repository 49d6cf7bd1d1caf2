import { engines } from '../../../../../package.json';
import type { Check } from '../examination';
import { fail, type Judgement, ok, warn } from '../finding';
import { isBefore, parseVersion } from '../version-number';

/** Last day with security fixes by major release, from https://github.com/nodejs/Release (looked up 2026-11-30). */
const MAINTAINED_UNTIL: Record<number, string> = { 20: '2026-04-30', 22: '2027-04-30', 24: '2028-04-30' };

export function judgeNode(version: string, today: string): Judgement {
  const least = engines.node.replace(/^>=/, '');
  const parsed = parseVersion(version) ?? [];
  const [major = 0] = parsed;
  if (isBefore(parsed, parseVersion(least) ?? [])) {
    return fail(`Node ${version} is older than ${least}, which this plugin needs.`, 'Install a newer Node.');
  }
  const end = MAINTAINED_UNTIL[major];
  if (major % 2 === 1) return warn(`Node ${version} is no long-term release.`, 'Use an even major release.');
  if (end !== undefined && end < today) {
    return warn(`Node ${major} gets no security fixes since ${end}.`, 'Move to a release that is maintained.');
  }
  return ok(`Node ${version}`);
}

export const nodeVersion: Check = {
  name: 'node',
  run: () => [judgeNode(process.versions.node, new Date().toISOString().slice(0, 10))],
};
