import type { Core } from '@strapi/strapi';

/**
 * Does something once the change that asks for it stands: at once, or where that change is part of a transaction, behind the
 * commit and never after a rollback. A task that fails is logged and no more: the change stands, and nobody waits for the task
 * who could be told.
 */
export async function afterCommit(strapi: Core.Strapi, task: () => Promise<void>): Promise<void> {
  const run = () => task().catch((error: unknown) => void strapi.log.error(error));
  if (!strapi.db.inTransaction()) return run();
  await strapi.db.transaction(async ({ onCommit }) => onCommit(() => setImmediate(run)));
}
