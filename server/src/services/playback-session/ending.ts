import type { Core } from '@strapi/strapi';
import { databaseNow } from './database-clock';

/**
 * Columns of a session that ends, but for the reason. `endMark`: of the statement. What an API token said of a subject was for
 * the rules of a running session, and goes with it.
 */
export function endingColumns(strapi: Core.Strapi, endMark: string) {
  return {
    state: 'ended',
    ended_at: databaseNow(strapi),
    end_mark: endMark,
    lease_due: 0,
    subject_attributes: null,
  };
}
