import type { Core } from '@strapi/strapi';
import { registerAdminRights } from './services/admin-rights';
import { getService } from './services/get-service';

export async function bootstrap({ strapi }: { strapi: Core.Strapi }): Promise<void> {
  getService(strapi, 'revocation').subscribe();
  await getService(strapi, 'entitlement').rules.start();
  getService(strapi, 'events').start();
  getService(strapi, 'audit').start();
  getService(strapi, 'personal-data').subscribe();
  const replacement = getService(strapi, 'film-replacement');
  replacement.subscribe();
  strapi.cron.add({
    'protected-vod-replaced': { task: () => replacement.sweep(), options: { rule: '4-59/10 * * * *' } },
  });
  await registerAdminRights(strapi);
  const uploads = getService(strapi, 'resumable-upload');
  await uploads.sweep();
  strapi.cron.add({ 'protected-vod-uploads': { task: () => uploads.sweep(), options: { rule: '*/10 * * * *' } } });
  const { holders, slots } = getService(strapi, 'playback-session');
  strapi.cron.add({ 'protected-vod-holders': { task: () => holders.sweep(), options: { rule: '17 * * * *' } } });
  strapi.cron.add({ 'protected-vod-slots': { task: () => slots.sweep(), options: { rule: '47 * * * *' } } });
  const policies = getService(strapi, 'role-policies');
  strapi.cron.add({ 'protected-vod-views': { task: () => policies.sweepViews(), options: { rule: '27 * * * *' } } });
  const subjects = getService(strapi, 'external-subjects');
  strapi.cron.add({ 'protected-vod-subjects': { task: () => subjects.sweep(), options: { rule: '57 * * * *' } } });
  const retention = getService(strapi, 'retention');
  strapi.cron.add({ 'protected-vod-overdue': { task: () => retention.endOverdue(), options: { rule: '37 * * * *' } } });
  strapi.cron.add({ 'protected-vod-retention': { task: () => retention.sweep(), options: { rule: '7 3 * * *' } } });
  const ingest = getService(strapi, 'ingest');
  strapi.cron.add({ 'protected-vod-backfill': { task: () => ingest.backfill(), options: { rule: '12 * * * *' } } });
  strapi.cron.add({ 'protected-vod-scratch': { task: () => ingest.sweep(), options: { rule: '22 * * * *' } } });
  // Commands that only load Strapi (console, export, routes:list) bootstrap too, but never listen.
  strapi.server.httpServer.once('listening', () => {
    getService(strapi, 'entitlement').rules.announce();
    getService(strapi, 'streamer').start();
    const judging = getService(strapi, 'film-judging');
    judging.prepare();
    judging.judgeRest().catch((error: unknown) => strapi.log.error(error));
    getService(strapi, 'ingest-worker').start();
    ingest.backfill().catch((error: unknown) => strapi.log.error(error));
    replacement.sweep().catch((error: unknown) => strapi.log.error(error));
  });
}
