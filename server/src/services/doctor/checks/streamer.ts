import { version } from '../../../../../package.json';
import { ALIVE_WITHIN_SECONDS, type OperatorStatus, type SyncedStreamer } from '../../../../contracts';
import { type Check, NOT_RUNNING } from '../examination';
import { fail, type Judgement, ok, skipped, warn } from '../finding';

/** A streamer without viewers syncs every ten seconds. */

const isAlive = ({ lastSyncSeconds }: SyncedStreamer) => lastSyncSeconds < ALIVE_WITHIN_SECONDS;

function judgeProcesses(status: OperatorStatus): Judgement[] {
  const isMissing = status.mode === 'external' && !status.streamers.some(isAlive);
  const missing = fail(
    'No external streamer has synced with this Strapi lately.',
    'Start one: `protected-vod streamer`.',
  );
  const ailing = status.processes
    .filter(({ state }) => state !== 'RUNNING')
    .map(({ name, state, lastEnd }) => {
      const message = `The ${name} is ${state}${lastEnd === null ? '' : `: ${lastEnd}`}.`;
      return fail(message, '`npx protected-vod tail` says why; `npx protected-vod restart` starts it.');
    });
  return isMissing ? [missing, ...ailing] : ailing;
}

export const streamer: Check = {
  name: 'streamer',
  run({ site }) {
    if (site === null) return [skipped(NOT_RUNNING)];
    if (site.status === null) return [skipped('Strapi did not tell.')];
    const found = judgeProcesses(site.status);
    const alive = site.status.streamers.filter(isAlive);
    const others = alive.filter((one) => one.version !== version);
    if (others.length > 0) {
      const items = others.map((one) => `${one.boot}: version ${one.version ?? 'unknown'}`);
      found.push(fail(`${others.length} streamers are not of version ${version}.`, 'Restart them.', items));
    }
    if (found.length > 0) return found;
    // It has just started: its first word is on its way.
    if (alive.length === 0) return [warn('The streamer runs, and has not synced with this Strapi yet.')];
    return [ok(`${site.status.mode === 'managed' ? 'RUNNING' : `${alive.length} synced lately`}, version ${version}`)];
  },
};
