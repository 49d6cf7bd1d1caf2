import type { Core, UID } from '@strapi/strapi';
import { VIDEO_UID } from '../content-types/uids';
import { FILE_UID } from '../services/protected-mark';

type Row = Record<string, unknown>;

/** What an attribute leads to, if it leads anywhere. */
interface Attribute {
  type: string;
  target?: string;
  component?: string;
}

const isRow = (value: unknown): value is Row => typeof value === 'object' && value !== null;

/** The type of what an attribute holds; null: each row of it says so itself. */
function typeOf({ type, target, component }: Attribute): string | null {
  if (type === 'media') return FILE_UID;
  return (type === 'component' ? component : target) ?? null;
}

const LEADS_ON = new Set(['relation', 'media', 'component', 'dynamiczone']);

/** Polymorphic relations name the type of a row in the one, dynamic zones in the other. */
function ownType({ __type: type, __component: component }: Row): string | null {
  if (typeof type === 'string') return type;
  return typeof component === 'string' ? component : null;
}

function collect(strapi: Core.Strapi, uid: string | null, value: unknown, found: Row[]): void {
  if (Array.isArray(value)) {
    for (const one of value) collect(strapi, uid, one, found);
    return;
  }
  if (!isRow(value)) return;
  const type = uid ?? ownType(value);
  const model = type === null ? undefined : strapi.getModel(type as UID.Schema);
  if (!model) return;
  if (type === VIDEO_UID) found.push(value);
  for (const [name, attribute] of Object.entries<Attribute>(model.attributes)) {
    if (LEADS_ON.has(attribute.type)) collect(strapi, typeOf(attribute), value[name], found);
  }
}

/** The rows of videos in what the content API is about to answer, however deep: relations, components, dynamic zones. */
export function videosWithin(strapi: Core.Strapi, uid: string, answer: unknown): Row[] {
  const found: Row[] = [];
  collect(strapi, uid, answer, found);
  return found;
}
