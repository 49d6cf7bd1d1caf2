import type { Core } from '@strapi/strapi';
import { z } from 'zod';

const attributeSchema = z.object({ type: z.string(), columnName: z.string() });

/** One content type in a statement of our own that joins several. */
export interface JoinedType {
  /** For `select`. */
  columns: Record<string, string>;
  /** Its part of a row by attribute, as Strapi would have read it; null where the join found none. */
  read(row: Record<string, unknown>): Record<string, unknown> | null;
}

/** As Strapi reads a JSON column, whatever the driver gives; also twice encoded, as early versions of Strapi 5 wrote it. */
export function jsonOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'string' ? JSON.parse(parsed) : parsed;
  } catch {
    return value;
  }
}

function booleanOf(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  return value === 1 || value === 0 ? value === 1 : null;
}

function asRead(type: string, value: unknown): unknown {
  if (type === 'json') return jsonOf(value);
  return type === 'boolean' ? booleanOf(value) : value;
}

/** `alias`: the name of its table in the statement. Numbers and times are left as the driver gives them. */
export function joinedType(strapi: Core.Strapi, uid: string, alias: string, names: readonly string[]): JoinedType {
  const { attributes } = strapi.db.metadata.get(uid);
  const parts = ['id', ...names].map((name) => {
    const { type, columnName } = attributeSchema.parse(attributes[name]);
    return { name, type, key: `${alias}__${name}`, column: `${alias}.${columnName}` };
  });
  return {
    columns: Object.fromEntries(parts.map(({ key, column }) => [key, column])),
    read(row) {
      if (row[`${alias}__id`] == null) return null;
      return Object.fromEntries(parts.map(({ name, type, key }) => [name, asRead(type, row[key])]));
    },
  };
}
