import type { z } from 'zod';
import { StreamError } from './errors';

const PREFIX = 'PROTECTED_VOD_';

/** Variable name without its prefix → setting. */
type Names = Readonly<Record<string, string>>;

/** What a process reads from its environment, by how the text is read. */
export interface VariableTable {
  text: Names;
  numbers: Names;
  lists?: Names;
  flags?: Names;
}

/** Anything but the two words is left for the schema to refuse. */
const flagOf = (text: string): unknown => (text === 'true' ? true : text === 'false' ? false : text);

const listOf = (text: string): string[] =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');

/** Settings that the environment names; blank is as good as absent. */
export function readVariables(env: NodeJS.ProcessEnv, table: VariableTable): Record<string, unknown> {
  const readers: [Names, (text: string) => unknown][] = [
    [table.text, (text) => text],
    [table.numbers, Number],
    [table.flags ?? {}, flagOf],
    [table.lists ?? {}, listOf],
  ];
  return Object.fromEntries(
    readers.flatMap(([names, read]) =>
      Object.entries(names).flatMap(([name, setting]) => {
        const text = env[PREFIX + name]?.trim();
        return text ? [[setting, read(text)]] : [];
      }),
    ),
  );
}

/** Names of variables by the settings that they set. */
export function variablesOf({ text, numbers, lists, flags }: VariableTable): Record<string, string> {
  const names = Object.entries({ ...text, ...numbers, ...lists, ...flags });
  return Object.fromEntries(names.map(([name, setting]) => [setting, PREFIX + name]));
}

/** Parses settings. Throws `StreamError` `settings-invalid`, in words of the variables where it knows them. */
export function parseBy<T>(schema: z.ZodType<T>, input: unknown, variables: Readonly<Record<string, string>>): T {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const sentences = parsed.error.issues.map(({ path, message }) => {
    const setting = String(path[0] ?? 'settings');
    return `${variables[path.join('.')] ?? variables[setting] ?? setting}: ${message}.`;
  });
  throw new StreamError('settings-invalid', sentences.join(' '));
}
