import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import type { DerivedFile } from '../../../contracts';
import { VodError } from '../../errors';
import { derivedKeyOf } from '../../storage/derived';
import { hashKey, sizeOfKey } from '../../storage/hash-key';
import { readMetadata } from '../../storage/metadata';
import { keyOfFilm } from '../../storage/moving/ledger';
import { hasErrno } from '../../storage/storage-error';
import type { StorageRoot } from '../../storage/storage-root';
import { walkArea } from '../../storage/walk';
import { getService } from '../get-service';
import { Claims } from './claims';
import { createLedger, type DatabaseLedger, type FilmRow } from './ledger';

export type FindingCode =
  | 'row-unreadable'
  | 'film-missing'
  | 'film-damaged'
  | 'film-unreadable'
  | 'film-without-file'
  | 'derived-missing'
  | 'derived-damaged'
  | 'metadata-missing'
  | 'metadata-wrong'
  | 'move-unfinished'
  | 'file-unclaimed'
  | 'not-a-file';

export interface Finding {
  code: FindingCode;
  /** Empty: of a row that names none. */
  key: string;
  /** Null: no row claims it. */
  assetId: string | null;
}

export interface VerifyOptions {
  /** Compare sizes only; nothing is hashed. */
  isQuick: boolean;
  /** What came into the library less long ago may be an upload whose row is still to come. */
  minAgeSeconds: number;
}

/** Where `storage repair` puts what nobody claims: `trash/<day>/unclaimed-…/`. */
export const UNCLAIMED = 'unclaimed-';
const IS_PUT_ASIDE = new RegExp(`^trash/[^/]+/${UNCLAIMED}`);

async function judgeFilm(root: StorageRoot, film: FilmRow, isQuick: boolean): Promise<FindingCode | null> {
  const key = keyOfFilm(film);
  try {
    const sizeBytes = await sizeOfKey(root, key);
    if (sizeBytes === null) return 'film-missing';
    if (sizeBytes !== film.sizeBytes) return 'film-damaged';
    return isQuick || (await hashKey(root, key)) === film.sha256 ? null : 'film-damaged';
  } catch (error) {
    if (hasErrno(error, 'storage-missing')) return 'film-missing';
    if (error instanceof VodError || hasErrno(error, 'EIO') || hasErrno(error, 'EACCES')) return 'film-unreadable';
    throw error;
  }
}

async function judgeDerived(
  root: StorageRoot,
  key: string,
  { sizeBytes, sha256 }: DerivedFile,
  isQuick: boolean,
): Promise<FindingCode | null> {
  const found = await sizeOfKey(root, key).catch(() => 0);
  if (found === null) return 'derived-missing';
  if (found !== sizeBytes) return 'derived-damaged';
  const isRight = isQuick || (await hashKey(root, key).catch(() => null)) === sha256;
  return isRight ? null : 'derived-damaged';
}

async function judgeMetadata(root: StorageRoot, film: FilmRow): Promise<FindingCode | null> {
  const found = await readMetadata(root, keyOfFilm(film));
  if (found === 'missing') return 'metadata-missing';
  if (found === 'damaged') return 'metadata-wrong';
  const isRight = (['assetId', 'storageKey', 'sizeBytes', 'sha256', 'fileName', 'mime'] as const).every(
    (name) => found[name] === film[name],
  );
  return isRight ? null : 'metadata-wrong';
}

/** Everything in library and trash that no row claims. */
async function* unclaimed(root: StorageRoot, ledger: DatabaseLedger, options: VerifyOptions): AsyncGenerator<Finding> {
  const strays: Finding[] = [];
  const claims = new Claims();
  await claims.look(ledger);
  for (const area of ['library', 'trash'] as const) {
    for await (const { key, kind } of walkArea(root, area)) {
      if (claims.has(key) || IS_PUT_ASIDE.test(key) || (await isYoung(root, key, options))) continue;
      strays.push({ code: kind === 'file' ? 'file-unclaimed' : 'not-a-file', key, assetId: null });
    }
  }
  if (strays.length === 0) return;
  // What came or was moved between the two looks is claimed by now.
  await claims.look(ledger);
  yield* strays.filter(({ key }) => !claims.has(key));
}

/** By the time of its last rename or link, which no program sets. */
async function isYoung(root: StorageRoot, key: string, { minAgeSeconds }: VerifyOptions): Promise<boolean> {
  try {
    const { ctimeMs } = await lstat(path.join(root.path, key));
    return Date.now() - ctimeMs < minAgeSeconds * 1000;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return true;
    throw error;
  }
}

/**
 * Whether no Media Library file stands for a film that is there to be watched; one whose file is still to come has just come
 * itself.
 */
export async function isForsaken(
  strapi: Core.Strapi,
  { assetId, state, updatedAt }: FilmRow,
  { minAgeSeconds }: Pick<VerifyOptions, 'minAgeSeconds'>,
): Promise<boolean> {
  if (state !== 'ready' || Date.now() - updatedAt.getTime() < minAgeSeconds * 1000) return false;
  return (await getService(strapi, 'asset').countFiles(assetId)) === 0;
}

async function findingsOf(strapi: Core.Strapi, film: FilmRow, options: VerifyOptions): Promise<Finding[]> {
  const { root } = getService(strapi, 'storage');
  const { isQuick } = options;
  const codes = [await judgeFilm(root, film, isQuick), await judgeMetadata(root, film)];
  if (await isForsaken(strapi, film, options)) codes.push('film-without-file');
  if (film.movingTo !== null || film.movedFrom !== null) codes.push('move-unfinished');
  const { assetId, derived } = film;
  const key = keyOfFilm(film);
  const findings = codes.filter((code) => code !== null).map((code) => ({ code, key, assetId }));
  for (const file of derived) {
    const derivedKey = derivedKeyOf(key, file.name);
    const code = await judgeDerived(root, derivedKey, file, isQuick);
    if (code !== null) findings.push({ code, key: derivedKey, assetId });
  }
  return findings;
}

/** Whether the row still says what it said: a film that is moved or trashed while it is looked at is not missing. */
async function isSettled(ledger: DatabaseLedger, film: FilmRow): Promise<boolean> {
  const now = await ledger.find(film.assetId);
  return now !== null && keyOfFilm(now) === keyOfFilm(film) && now.state === film.state;
}

/** Compares every row with its file and every file with the rows; changes nothing. */
export async function* verify(strapi: Core.Strapi, options: VerifyOptions): AsyncGenerator<Finding> {
  const { root } = getService(strapi, 'storage');
  const ledger = createLedger(strapi);
  for await (const film of ledger.rows()) {
    if ('isUnreadable' in film) {
      yield { code: 'row-unreadable', key: film.keys[0] ?? '', assetId: film.assetId };
      continue;
    }
    const findings = await findingsOf(strapi, film, options);
    if (findings.length === 0) continue;
    if (await isSettled(ledger, film)) yield* findings;
    else {
      const now = await ledger.find(film.assetId);
      if (now) yield* await findingsOf(strapi, now, options);
    }
  }
  yield* unclaimed(root, ledger, options);
}
