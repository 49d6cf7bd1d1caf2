import { describe, expect, it } from 'vitest';
import { ingestSettingsSchema, PUBLIC_REFUSALS, streamerSettingsSchema } from '../../server/contracts';
import { configSchema } from '../../server/src/config';
import { configRows } from './config-table';
import { read, sourceFiles } from './source-files';

const readme = read('README.md');

/** Cells of every table row whose first cell is code, by that code. */
const tableRows = new Map(
  [...readme.matchAll(/^\| (`[^`]+`|\d+) \|.*\|$/gm)].map(([row]) => {
    const cells = row.slice(2, -2).split(' | ');
    return [cells[0], cells.slice(1)] as const;
  }),
);

/** The rows between a heading and the next one. */
function section(heading: string): string {
  const from = readme.indexOf(`\n${heading}\n`);
  const to = readme.indexOf('\n#', from + heading.length + 2);
  return from < 0 ? '' : readme.slice(from, to);
}

const [streamerConfig, ingestConfig] = [read('streamer/src/config.ts'), read('streamer/src/ingest/config.ts')];
/** What a process reads from the environment: variable without its prefix → setting. */
const settingsIn = (config: string) =>
  new Map([...config.matchAll(/\b([A-Z][A-Z_]*): '(\w+)'/g)].map(([, name = '', setting = '']) => [name, setting]));
const settingOf = settingsIn(streamerConfig);
/** Without those that both processes read in the same way. */
const ingestSettingOf = new Map([...settingsIn(ingestConfig)].filter(([name]) => !settingOf.has(name)));
const namedDirectly = [streamerConfig, ingestConfig].flatMap((config) =>
  [...config.matchAll(/\$\{PREFIX\}([A-Z_]+)/g)].map(([, name = '']) => name),
);
const readElsewhere = sourceFiles('server', 'streamer', 'admin', 'strapi-server.ts').flatMap((file) =>
  [...read(file).matchAll(/\bPROTECTED_VOD_([A-Z_]*[A-Z])/g)].map(([, name = '']) => name),
);
const variables = new Set(
  [...settingOf.keys(), ...ingestSettingOf.keys(), ...namedDirectly, ...readElsewhere].map(
    (name) => `PROTECTED_VOD_${name}`,
  ),
);

describe('README, configuration', () => {
  const rows = configRows(configSchema);

  it('the schema can be walked at all, and describes every key', () => {
    expect(rows.length).toBeGreaterThan(20);
    expect(rows.filter(({ meaning }) => meaning === '')).toEqual([]);
  });

  it('the table has exactly the keys of the schema, in its order', () => {
    const listed = [...section('## Configuration').matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key);
    expect(listed).toEqual(rows.map(({ key }) => key));
  });

  it.each(rows)('$key: allowed values, default and meaning are those of the schema', (row) => {
    expect(tableRows.get(`\`${row.key}\``)).toEqual([row.allowed, row.fallback, row.meaning]);
  });
});

describe('README, environment variables', () => {
  const settings = new Map(configRows(streamerSettingsSchema).map((row) => [row.key, row]));
  const ingestSettings = new Map(configRows(ingestSettingsSchema).map((row) => [row.key, row]));

  it('the variables are found at all', () => {
    expect(settingOf.size).toBeGreaterThan(10);
    expect(variables).toContain('PROTECTED_VOD_STREAMER_KEYS_FILE');
    expect(variables).toContain('PROTECTED_VOD_SECRET');
  });

  it.each([...ingestSettingOf])(
    'PROTECTED_VOD_%s: allowed values and default are those of ingest’s %s',
    (name, setting) => {
      const row = ingestSettings.get(setting);
      expect(tableRows.get(`\`PROTECTED_VOD_${name}\``)?.slice(0, 2)).toEqual([row?.allowed, row?.fallback]);
    },
  );

  it('every variable that the sources read is listed, and no other is mentioned', () => {
    const listed = [...section('### Environment variables').matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    expect(listed.toSorted()).toEqual([...variables].toSorted());
    const mentioned = new Set([...readme.matchAll(/\bPROTECTED_VOD_[A-Z_]*[A-Z]/g)].map(([name]) => name));
    expect([...mentioned].filter((name) => !variables.has(name))).toEqual([]);
  });

  it.each([...settingOf])('PROTECTED_VOD_%s: allowed values and default are those of %s', (name, setting) => {
    const row = settings.get(setting);
    expect(tableRows.get(`\`PROTECTED_VOD_${name}\``)?.slice(0, 2)).toEqual([row?.allowed, row?.fallback]);
  });
});

describe('README, interfaces', () => {
  it.each(Object.entries(PUBLIC_REFUSALS))('the refusal %s is listed with its status and sentence', (code, refusal) => {
    expect(section('### Ask for a token')).toContain(`| ${refusal.status} | \`${code}\` | ${refusal.sentence}`);
  });

  it.each(['npm run demo', 'npm test', 'npm run demo -- --check'])('the command %s is told', (command) => {
    expect(section('## Contributing')).toContain(command);
  });

  it('every npm script that it names exists', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...section('## Contributing').matchAll(/`npm run ([\w:-]+)/g)].map(([, name = '']) => name);
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });

  it('every link within it leads to a heading', () => {
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-');
    const headings = new Set([...readme.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => slug(heading)));
    const links = [...readme.matchAll(/\]\(#([^)]+)\)/g)].map(([, target = '']) => target);
    expect(links.length).toBeGreaterThan(5);
    expect(links.filter((target) => !headings.has(target))).toEqual([]);
  });
});
