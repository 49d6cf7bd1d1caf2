import type { z } from 'zod';

/** One setting as the README shows it, in the words of its schema. */
export interface ConfigRow {
  key: string;
  allowed: string;
  fallback: string;
  meaning: string;
}

/** The part of zod's own introspection that is read here; every schema has it at run time. */
interface Definition {
  type: string;
  innerType?: z.ZodType;
  element?: z.ZodType;
  shape?: Record<string, z.ZodType>;
  defaultValue?: unknown;
  format?: string;
}

const WRAPPERS = new Set(['default', 'prefault', 'optional']);
const UNITS = [
  { bytes: 1024 ** 3, name: 'GiB' },
  { bytes: 1024 ** 2, name: 'MiB' },
];

const definitionOf = (schema: z.ZodType) => schema.def as unknown as Definition;

function unwrap(schema: z.ZodType): { core: z.ZodType; fallback: unknown; meaning: string } {
  let core = schema;
  let fallback: unknown;
  let meaning = schema.description ?? '';
  for (let definition = definitionOf(core); WRAPPERS.has(definition.type) && definition.innerType; ) {
    if (definition.type === 'default') fallback = definition.defaultValue;
    core = definition.innerType;
    meaning ||= core.description ?? '';
    definition = definitionOf(core);
  }
  return { core, fallback, meaning };
}

function numberWords(schema: z.ZodNumber): string {
  const { minValue, maxValue } = schema;
  const noun = schema.format === 'safeint' ? 'integer' : 'number';
  const isBounded = maxValue !== null && maxValue < Number.MAX_SAFE_INTEGER;
  const from = minValue === null || minValue <= Number.MIN_SAFE_INTEGER ? '' : String(minValue);
  if (isBounded) return `${noun}, ${from} to ${maxValue}`;
  const isExclusive = definitionOf(schema).type === 'number' && !schema.safeParse(minValue).success;
  return from === '' ? noun : `${noun}, ${isExclusive ? 'above' : 'at least'} ${from}`;
}

function allowedWords(schema: z.ZodType): string {
  const { type, format, element, innerType } = definitionOf(schema);
  if (type === 'nullable' && innerType) return `${allowedWords(innerType)}, or \`null\``;
  if (type === 'enum') return (schema as z.ZodEnum).options.map((option) => `\`${option}\``).join(', ');
  if (type === 'number') return numberWords(schema as z.ZodNumber);
  if (type === 'literal') return [...(schema as z.ZodLiteral).values].map((value) => `\`${value}\``).join(', ');
  if (type === 'array' && element) {
    return definitionOf(element).type === 'literal'
      ? `list of ${allowedWords(element)}`
      : `list of ${allowedWords(element)}s`;
  }
  return format === 'url' ? 'URL' : type === 'string' ? 'text' : type;
}

/** A default as it would be written in a configuration file; `–` for none. */
export function formatDefault(value: unknown): string {
  if (value === undefined) return '–';
  if (typeof value === 'string') return `\`'${value}'\``;
  if (typeof value !== 'number') return `\`${JSON.stringify(value)}\``;
  const unit = UNITS.find(({ bytes }) => value >= bytes && value % bytes === 0);
  return `\`${value}\`${unit ? ` (${value / unit.bytes} ${unit.name})` : ''}`;
}

/** Every leaf of an object schema, in its order. */
export function configRows(schema: z.ZodType, prefix = ''): ConfigRow[] {
  return Object.entries(definitionOf(schema).shape ?? {}).flatMap(([name, child]) => {
    const key = prefix + name;
    const { core, fallback, meaning } = unwrap(child);
    if (definitionOf(core).type === 'object') return configRows(core, `${key}.`);
    return [{ key, allowed: allowedWords(core), fallback: formatDefault(fallback), meaning }];
  });
}
