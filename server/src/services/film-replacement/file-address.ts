import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { FILE_UID, markedAsset } from '../protected-mark';

/** What of a Media Library row is true of its bytes alone, and so changes with them or not at all. */
const OF_BYTES: ReadonlySet<string> = new Set([
  ...['url', 'provider_metadata', 'provider', 'name', 'ext', 'mime', 'size', 'formats'],
]);
/** Two at one moment are rare; so many in a row are a fault. */
const MAX_ATTEMPTS = 16;

const rowSchema = z.object({
  id: z.number(),
  documentId: z.string(),
  url: z.string(),
});
const addressedSchema = z.looseObject({ url: z.string() });
const conditionSchema = z.object({ url: z.string() });

/** A write of a Media Library row that is about to happen; what is changed here is what Strapi does. */
export interface FileWrite {
  where?: unknown;
  data?: unknown;
}

/** What a row stood for when it got another address. */
export interface AddressChange {
  /** `documentId` of the file. */
  file: string;
  /** The asset of before, and of now; null: no protected film. */
  old: string | null;
  by: string | null;
  /** Whoever writes has named the address of before: what becomes of that film is for them to say. */
  isConditional: boolean;
}

/** `moved`: the row has its new address. `gone`: there is no such row (any more). */
export type Readdressing = ({ outcome: 'moved' } & AddressChange) | { outcome: 'gone' | 'unchanged' };

/** Whether whoever writes wants to only where the row still has an address of before. */
export const isConditional = ({ where }: FileWrite): boolean => conditionSchema.safeParse(where).success;

/** As a column takes it; what JSON cannot say is null. */
const stored = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null);

/**
 * Gives a row its new address in one conditional statement, in place of Strapi's own, which would write whatever came meanwhile:
 * of two films that are put in the same place at once, the later one then replaces the earlier and not the one before both, so that
 * each film has one that came after it. It is done then, whatever keeps the rest of Strapi's write from happening. `promise` is
 * called before each try, with what the row stands for then.
 */
export async function readdressFile(
  strapi: Core.Strapi,
  write: FileWrite,
  promise: (change: AddressChange) => Promise<void>,
): Promise<Readdressing> {
  const data = addressedSchema.safeParse(write.data).data;
  if (!data) return { outcome: 'unchanged' };
  const by = markedAsset(data);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    const found: unknown = await strapi.db.query(FILE_UID).findOne({ where: write.where });
    if (!found) return { outcome: 'gone' };
    const old = markedAsset(found);
    if (by === null && old === null) return { outcome: 'unchanged' };
    const row = rowSchema.parse(found);
    if (row.url === data.url) return { outcome: 'unchanged' };
    const change = { file: row.documentId, old, by, isConditional: isConditional(write) };
    await promise(change);
    if (!(await swap(strapi, row, data))) continue;
    write.data = Object.fromEntries(Object.entries(data).filter(([name]) => !OF_BYTES.has(name)));
    write.where = { id: row.id };
    return { outcome: 'moved', ...change };
  }
  throw new Error('A Media Library file was changed by others again and again.');
}

/** False: it has another address by now. */
async function swap(
  strapi: Core.Strapi,
  { id, url }: { id: number; url: string },
  data: Record<string, unknown>,
): Promise<boolean> {
  const given = Object.entries(data).filter(([name, value]) => OF_BYTES.has(name) && value !== undefined);
  const change = Object.fromEntries(given.map(([name, value]) => [name, stored(value)]));
  const changed: unknown = await strapi.db.queryBuilder(FILE_UID).where({ id, url }).update(change).execute();
  return changed === 1;
}
