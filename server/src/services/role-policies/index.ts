import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { type RolePolicies, rolePoliciesSchema } from '../../../contracts';
import { SETTING_UID } from '../../content-types/uids';
import { getService } from '../get-service';
import { jsonOf } from '../joined-rows';
import { retryingDeadlocks } from '../playback-session/deadlock';

const TABLE = 'protected_vod_settings';
const NAME = 'role-policies';
const ROLE_UID = 'plugin::users-permissions.role';
/** Two nodes may write the very first policies at once: the second finds the row of the first. */
const ATTEMPTS = 2;

const rowSchema = z.object({ value: rolePoliciesSchema });
const roleSchema = z.object({ type: z.string() });

type IsExpected = (now: RolePolicies) => boolean;

export interface RolePoliciesService {
  /** As they are in the database now: nothing is kept in memory, so no node is behind. Throws where they cannot be read. */
  read(): Promise<RolePolicies>;
  /** The same as one column of another statement; `parse` understands what comes of it. */
  column(): ReturnType<typeof columnOf>;
  parse(column: unknown): RolePolicies;
  /**
   * In place of all policies before; every lease is due when this is committed (S6). False: those before are not what the
   * caller expected, and stay. Nobody writes between that question and this. Without one, whatever is there is replaced.
   */
  replace(policies: RolePolicies, isExpected: IsExpected | null): Promise<boolean>;
  /** Of the types that `policies` names, those that no role of the site has. */
  unknownRoles(policies: RolePolicies): Promise<string[]>;
  /** Forgets the views that no policy counts any more. */
  sweepViews(): Promise<void>;
}

function columnOf(strapi: Core.Strapi) {
  return strapi.db.getConnection(TABLE).select('value').where({ name: NAME });
}

/** What roles may, as administrators set it. The decision reads it; see `entitlement`. */
export function createRolePoliciesService({ strapi }: { strapi: Core.Strapi }): RolePoliciesService {
  const rows = () => strapi.db.query(SETTING_UID);
  const where = { name: NAME };

  async function read(): Promise<RolePolicies> {
    const row: unknown = await rows().findOne({ where });
    return row === null ? { roles: {} } : rowSchema.parse(row).value;
  }

  async function write(value: RolePolicies, isExpected: IsExpected | null): Promise<boolean> {
    // The leases are made due within (see `revocation`): both become visible together.
    return strapi.db.transaction(async ({ trx }) => {
      const row = strapi.db.getConnection(TABLE).transacting(trx).where(where).first('id');
      // SQLite has one connection, which this transaction holds.
      const isKnown = (await (strapi.db.dialect.client === 'sqlite' ? row : row.forUpdate())) !== undefined;
      if (isExpected !== null && !isExpected(await read())) return false;
      // Where there was no row to lock, one that is there by now was not asked about: to insert fails, to update would not.
      if (isKnown) await rows().update({ where, data: { value } });
      else await rows().create({ data: { name: NAME, value } });
      return true;
    });
  }

  return {
    read,
    column: () => columnOf(strapi),
    parse: (column) => (column === null ? { roles: {} } : rolePoliciesSchema.parse(jsonOf(column))),
    async replace(policies, isExpected) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await retryingDeadlocks(() => write(policies, isExpected));
        } catch (error) {
          if (attempt === ATTEMPTS) throw error;
        }
      }
    },
    async unknownRoles({ roles }) {
      const named = Object.keys(roles);
      if (!strapi.plugin('users-permissions')) return named;
      const found: unknown[] = await strapi.db.query(ROLE_UID).findMany({ select: ['type'] });
      const types = new Set(found.map((row) => roleSchema.parse(row).type));
      return named.filter((type) => !types.has(type));
    },
    async sweepViews() {
      const { roles } = await read();
      const windows = Object.values(roles).map(({ views }) => views?.windowSeconds ?? 0);
      await getService(strapi, 'playback-session').views.sweep(Math.max(0, ...windows));
    },
  };
}
