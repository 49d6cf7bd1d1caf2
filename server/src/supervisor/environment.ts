/**
 * S1: all that a child may know of its parent's environment. `SystemRoot`, `TEMP` and `TMP` are Windows' `PATH` and
 * `TMPDIR`: without the first no socket can be opened there.
 */
const ALLOWED = new Set([
  'PATH',
  'HOME',
  'TZ',
  'LANG',
  'NODE_ENV',
  'NODE_EXTRA_CA_CERTS',
  'TMPDIR',
  'SystemRoot',
  'TEMP',
  'TMP',
]);

/** The part of `environment` that holds no secrets and no options of the parent's own Node. */
export function childEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passes = (name: string) => ALLOWED.has(name) || name.startsWith('LC_');
  return Object.fromEntries(Object.entries(environment).filter(([name]) => passes(name)));
}
