import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newAssetId } from '../../../server/src/storage/asset-id';
import { STRATEGIES, STRATEGY_NAMES, type StrategyName } from '../../../server/src/storage/strategies';
import { compileApp, startStorageCommand } from '../../support/storage-command';
import { type StrapiApp, startStrapiApp } from '../../support/strapi-app';

const FILMS = Number(process.env.STORAGE_FILMS ?? 1000);
/** Every ordered pair once, each run beginning where the last one ended. */
const CIRCUIT: StrategyName[] = [
  ...['flat', 'directory', 'flat', 'site1', 'flat', 'site2', 'directory', 'site1', 'directory', 'site2', 'site1'],
  ...['site2', 'flat'],
] as StrategyName[];

let app: StrapiApp;

/** Rows and files as an intake leaves them; the bytes are no film, which nothing here looks at. */
async function store(number: number): Promise<void> {
  const assetId = newAssetId();
  const folders = ['Uni', `Kurs ${number % 30}`];
  const fileName = `Film ${number % 7}.mp4`;
  const storageKey = STRATEGIES.flat.keyOf({ assetId, folders, fileName }, 1);
  const bytes = Buffer.from(`film ${number}`.repeat(50));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const facts = { fileName, storageKey, mime: 'video/mp4', sizeBytes: bytes.byteLength, sha256, durationSeconds: 1 };
  await writeFile(path.join(app.storageRoot, storageKey), bytes);
  const metadata = { version: 1, assetId, folders, ...facts, storedAt: '2026-02-03T10:00:00.000Z' };
  await writeFile(path.join(app.storageRoot, `${storageKey}.vod.json`), JSON.stringify(metadata));
  const row = {
    documentId: assetId,
    ...facts,
    sizeBytes: String(bytes.byteLength),
    contentVersion: `v-${assetId}`,
    state: 'ready',
  };
  await app.strapi.db.query('plugin::protected-vod.asset').create({ data: row });
  // What an editor sees of it.
  const file = {
    name: fileName,
    hash: assetId,
    ext: '.mp4',
    mime: 'video/mp4',
    size: 1,
    provider: 'local',
  };
  const mark = { url: `/protected-vod/asset/${assetId}`, provider_metadata: { protectedVod: { assetId } } };
  await app.strapi.db.query('plugin::upload.file').create({ data: { ...file, ...mark, folderPath: '/' } });
}

beforeAll(async () => {
  await compileApp();
  app = await startStrapiApp({
    pluginConfig: { streamer: { mode: 'external' }, session: { leaseSeconds: 4, outageGraceSeconds: 0 } },
  });
  await mkdir(path.join(app.storageRoot, 'library'), { recursive: true });
  for (let number = 0; number < FILMS; number += 1) await store(number);
});
afterAll(() => app.stop());

test('the circuit has every pair', () => {
  const pairs = CIRCUIT.slice(1).map((to, at) => `${CIRCUIT[at]} ${to}`);
  expect(new Set(pairs).size).toBe(STRATEGY_NAMES.length * (STRATEGY_NAMES.length - 1));
  expect(pairs).toHaveLength(12);
});

test(`${FILMS} films through all pairs, each run killed in the middle and finished by a second one`, async () => {
  for (const [at, to] of CIRCUIT.slice(1).entries()) {
    const from = CIRCUIT[at];
    const fatal = 1 + Math.floor(Math.random() * FILMS * 0.9);
    const killed = startStorageCommand(['migrate', '--to', to], (text) => {
      if (text.split('moved ').length > fatal) killed.process.kill('SIGKILL');
    });
    const first = await killed.result;
    expect(first.signal, first.err).toBe('SIGKILL');
    const startedAt = performance.now();
    const second = await startStorageCommand(['migrate', '--to', to]).result;
    expect(second.code, second.out + second.err).toBe(0);
    const verified = await startStorageCommand(['verify', '--min-age', '0']).result;
    expect(verified, `${from} to ${to}`).toMatchObject({ code: 0, out: 'clean\n' });
    const moved = first.out.split('moved ').length - 1;
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    console.info(`${from} to ${to}: killed behind ${moved}, ${second.out.trim().split('\n').at(-1)}, ${seconds} s`);
  }
}, 3_600_000);
