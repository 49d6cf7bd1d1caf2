import { Command } from 'commander';
import { operatorStatusSchema } from '../../contracts';
import { VodError } from '../errors';
import type { DoctorService } from '../services/doctor';
import type { RunningSite } from '../services/doctor/examination';
import type { Finding, Verdict } from '../services/doctor/finding';
import { withPlugin } from './boot-strapi';
import { CommandFailed } from './exit-code';
import { createOperatorClient, siteUrl } from './operator-client';
import { plain } from './plain-text';
import type { Terminal } from './terminal';
import { type UrlOption, urlOption } from './url-option';

const TIMEOUT_MS = 10_000;
/** Of one finding; `--json` and `--all` print all. */
const ITEMS = 20;

const HELP = `
Loads the app's Strapi without listening, so run it in the app's directory, with the environment and as the user that
Strapi runs as. What needs a running Strapi asks the one that answers at --url, without a token. Nothing is changed.
Exits with 1 if a line says FAIL.`;

interface DoctorOptions extends UrlOption {
  json?: true;
  all?: true;
}

/** Null: nothing answers there. */
async function findSite(terminal: Terminal, url: string | undefined): Promise<RunningSite | null> {
  const { origin } = siteUrl(terminal, url);
  try {
    await fetch(`${origin}/_health`, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch {
    return null;
  }
  try {
    const status = await createOperatorClient(terminal, url).ask('status', operatorStatusSchema);
    return { origin, status, refusal: null };
  } catch (error) {
    if (!(error instanceof VodError)) throw error;
    return { origin, status: null, refusal: error.message };
  }
}

function formatFinding({ check, verdict, message, advice, items = [] }: Finding, limit: number): string {
  const lines = [`${verdict.padEnd(7)}  ${check.padEnd(19)}  ${message}`];
  if (advice !== undefined) lines.push(`${' '.repeat(30)}→ ${advice}`);
  for (const item of items.slice(0, limit)) lines.push(`${' '.repeat(30)}- ${item}`);
  if (items.length > limit) lines.push(`${' '.repeat(30)}- and ${items.length - limit} more (--all)`);
  return lines.map((line) => `${plain(line)}\n`).join('');
}

/** All that is found; a Strapi that cannot be loaded is the one finding then. */
async function examine(
  terminal: Terminal,
  { url, all }: DoctorOptions,
  tell: (finding: Finding) => void,
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const note = (finding: Finding) => {
    findings.push(finding);
    tell(finding);
  };
  const site = await findSite(terminal, url);
  let isLoaded = false;
  const run = async (service: (name: string) => unknown) => {
    isLoaded = true;
    const doctor = service('doctor') as DoctorService;
    for await (const finding of doctor.examine({ site, isThorough: all === true })) note(finding);
  };
  try {
    await withPlugin(terminal, run, { isSilent: true });
  } catch (error) {
    // Without an app there is nothing to examine, and a check that breaks says so itself.
    if (isLoaded || (error instanceof VodError && /^app-|^plugin-/.test(error.code))) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    const message = `Strapi cannot be loaded, so nothing else was checked: ${reason}`;
    note({ check: 'start', verdict: 'FAIL', message });
  }
  return findings;
}

function countOf(findings: Finding[]): Record<Verdict, number> {
  const count = { ok: 0, warn: 0, FAIL: 0, skipped: 0 };
  for (const { verdict } of findings) count[verdict] += 1;
  return count;
}

export function doctorCommand(terminal: Terminal): Command {
  return new Command('doctor')
    .description('check this site, and try to get at its films without a token')
    .option('--json', 'print JSON')
    .option('--all', 'look at every film and file, and print all; default: a sample')
    .addOption(urlOption())
    .addHelpText('after', HELP)
    .action(async (options: DoctorOptions) => {
      const { json, all } = options;
      const limit = all === true ? Number.POSITIVE_INFINITY : ITEMS;
      const tell = (finding: Finding) => {
        if (json !== true) terminal.out(formatFinding(finding, limit));
      };
      const findings = await examine(terminal, options, tell);
      const count = countOf(findings);
      if (json === true) terminal.out(`${JSON.stringify({ count, findings }, null, 2)}\n`);
      else terminal.out(`${count.ok} ok, ${count.warn} warnings, ${count.FAIL} failed, ${count.skipped} skipped\n`);
      if (count.FAIL > 0) throw new CommandFailed();
    });
}
