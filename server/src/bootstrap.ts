import type { Core } from '@strapi/strapi';
import { registerAdminRights } from './services/admin-rights';
import { getService } from './services/get-service';

/** By the clock, on every node: each may be done by any number of them at once. */
function addSweeps(strapi: Core.Strapi): void {
  const { holders, slots } = getService(strapi, 'playback-session');
  const retention = getService(strapi, 'retention');
  const ingest = getService(strapi, 'ingest');
  const sweeps: [name: string, rule: string, task: () => Promise<unknown>][] = [
    ['replaced', '4-59/10 * * * *', () => getService(strapi, 'film-replacement').sweep()],
    ['uploads', '*/10 * * * *', () => getService(strapi, 'resumable-upload').sweep()],
    ['holders', '17 * * * *', () => holders.sweep()],
    ['slots', '47 * * * *', () => slots.sweep()],
    ['views', '27 * * * *', () => getService(strapi, 'role-policies').sweepViews()],
    ['subjects', '57 * * * *', () => getService(strapi, 'external-subjects').sweep()],
    ['overdue', '37 * * * *', () => retention.endOverdue()],
    ['retention', '7 3 * * *', () => retention.sweep()],
    ['backfill', '12 * * * *', () => ingest.backfill()],
    ['scratch', '22 * * * *', () => ingest.sweep()],
  ];
  for (const [name, rule, task] of sweeps) {
    strapi.cron.add({ [`protected-vod-${name}`]: { task: async () => void (await task()), options: { rule } } });
  }
}

/** What changes something by itself, and belongs to a site that serves. */
function serve(strapi: Core.Strapi): void {
  getService(strapi, 'entitlement').rules.announce();
  getService(strapi, 'streamer').start();
  const judging = getService(strapi, 'film-judging');
  judging.prepare();
  getService(strapi, 'ingest-worker').start();
  addSweeps(strapi);
  const begun = [
    judging.judgeRest(),
    getService(strapi, 'resumable-upload').sweep(),
    getService(strapi, 'ingest').backfill(),
    getService(strapi, 'film-replacement').sweep(),
  ];
  for (const one of begun) one.catch((error: unknown) => strapi.log.error(error));
}

export async function bootstrap({ strapi }: { strapi: Core.Strapi }): Promise<void> {
  // Throws where films would lie open: such a Strapi does not start.
  getService(strapi, 'storage');
  getService(strapi, 'revocation').subscribe();
  await getService(strapi, 'entitlement').rules.start();
  getService(strapi, 'events').start();
  getService(strapi, 'audit').start();
  getService(strapi, 'personal-data').subscribe();
  getService(strapi, 'film-replacement').subscribe();
  await registerAdminRights(strapi);
  // Commands that only load Strapi (doctor, console, export, routes:list) bootstrap too, but never listen.
  strapi.server.httpServer.once('listening', () => serve(strapi));
}
