import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { Rotation } from '../../tokens/rotation';
import { databaseNow } from '../playback-session/database-clock';

const TABLE = 'protected_vod_key_rotations';
/** Far below `ANNOUNCE_MS`: what another node rotated is known here before it matters. */
const REMEMBER_MS = 5_000;

const rowSchema = z.object({
  number: z.coerce.number().int(),
  salt: z.string(),
  age_ms: z.coerce.number(),
  overlap_ms: z.coerce.number(),
});

export interface KeyRotations {
  /** All there were, with their ages now; at most a few seconds old. */
  all(): Promise<Rotation[]>;
  /** One more. Where two nodes do so at once, it happens once, and both get the same. */
  add(overlapMs: number): Promise<Rotation>;
}

/** The rotations of all nodes. Ages are told by the database's clock, and run on by the monotonic one. */
export function createKeyRotations(strapi: Core.Strapi): KeyRotations {
  const table = () => strapi.db.getConnection(TABLE);
  let known: { at: number; rotations: Rotation[] } | null = null;
  let reading: Promise<Rotation[]> | null = null;

  async function read(): Promise<Rotation[]> {
    const at = performance.now();
    const age = strapi.db.connection.raw('? - ?? as ??', [databaseNow(strapi), 'rotated_at', 'age_ms']);
    const rows: unknown[] = await table().select('number', 'salt', 'overlap_ms', age);
    const rotations = rows.map((row): Rotation => {
      const { number, salt, age_ms: ageMs, overlap_ms: overlapMs } = rowSchema.parse(row);
      return { number, salt, ageMs, overlapMs };
    });
    known = { at, rotations };
    return rotations;
  }

  function readOnce(): Promise<Rotation[]> {
    reading ??= read().finally(() => {
      reading = null;
    });
    return reading;
  }

  return {
    async all() {
      const sinceMs = known === null ? Number.POSITIVE_INFINITY : performance.now() - known.at;
      if (known === null || sinceMs > REMEMBER_MS) return readOnce();
      return known.rotations.map((rotation) => ({ ...rotation, ageMs: rotation.ageMs + sinceMs }));
    },
    async add(overlapMs) {
      const number = Math.max(0, ...(await read()).map((rotation) => rotation.number)) + 1;
      const timestamp = new Date();
      const row = {
        document_id: randomBytes(12).toString('hex'),
        number,
        salt: randomBytes(32).toString('base64url'),
        rotated_at: databaseNow(strapi),
        overlap_ms: overlapMs,
        created_at: timestamp,
        updated_at: timestamp,
      };
      await table().insert(row).onConflict('number').ignore();
      const added = (await read()).find((rotation) => rotation.number === number);
      if (!added) throw new Error('The rotation was not kept.');
      return added;
    },
  };
}
