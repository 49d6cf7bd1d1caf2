import { randomBytes } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { isUploadedText } from '../../../contracts';
import { VodError } from '../../errors';
import { derivedKeyOf, filmKeyOfDerived } from '../../storage/derived';
import { hashKey } from '../../storage/hash-key';
import { lockLibrary } from '../../storage/keeper-lock';
import { moveToKey, pruneEmptyParents } from '../../storage/library';
import { filmKeyOf, readMetadata, writeMetadata } from '../../storage/metadata';
import { keyOfFilm, type StoredFilm } from '../../storage/moving/ledger';
import { metadataOf } from '../../storage/moving/move-film';
import { hasErrno } from '../../storage/storage-error';
import { pathOfKey, type StorageRoot } from '../../storage/storage-root';
import { moveToTrash, trashKeyFor } from '../../storage/trash';
import { getService } from '../get-service';
import { addRowFrom, giveFile, trueMetadata } from './adoption';
import { foldersOf } from './folders';
import { createLedger, type DatabaseLedger } from './ledger';
import { finishMoves, type MoveEvent } from './migrate';
import { type Finding, isForsaken, UNCLAIMED, type VerifyOptions, verify } from './verify';

export type MendedHow = 'found' | 'metadata-written' | 'to-trash' | 'put-aside' | 'to-be-made' | 'file-added';

export type RepairEvent =
  | { kind: 'mended'; finding: Finding; how: MendedHow; to: string }
  | { kind: 'left'; finding: Finding }
  | { kind: 'move'; event: MoveEvent };

const newAside = (): string => `${UNCLAIMED}${randomBytes(4).toString('hex')}`;

/** Mends what `verify` finds. Nothing is deleted: what nobody claims goes to the trash. */
class Repair {
  readonly #root: StorageRoot;
  readonly #ledger: DatabaseLedger;
  /** Files that nobody claims, until one turns out to be a film that is missed. */
  readonly #strays = new Set<string>();

  constructor(private readonly strapi: Core.Strapi) {
    this.#root = getService(strapi, 'storage').root;
    this.#ledger = createLedger(strapi);
  }

  async *run(options: VerifyOptions): AsyncGenerator<RepairEvent> {
    for await (const event of finishMoves(this.strapi, this.#ledger)) yield { kind: 'move', event };
    const findings: Finding[] = [];
    for await (const finding of verify(this.strapi, options)) findings.push(finding);
    for (const { code, key } of findings) if (code === 'file-unclaimed') this.#strays.add(key);
    // Films first: a metadata file is written only beside one, and what is found is no stray any more.
    const order = ['film-missing', 'film-damaged', 'metadata-missing', 'metadata-wrong', 'file-unclaimed'];
    const rank = ({ code }: Finding) => (order.includes(code) ? order.indexOf(code) : order.length);
    for (const finding of findings.toSorted((one, other) => rank(one) - rank(other))) {
      const event = await this.#mend(finding);
      if (event) yield event;
    }
  }

  async #mend(finding: Finding): Promise<RepairEvent | null> {
    try {
      const mended = await this.#tryToMend(finding);
      return mended === 'gone' ? null : { kind: 'mended', finding, ...mended };
    } catch (error) {
      if (!(error instanceof VodError)) throw error;
      return { kind: 'left', finding };
    }
  }

  async #tryToMend(finding: Finding) {
    if (finding.code === 'file-unclaimed') return this.#clear(finding.key);
    if (finding.code === 'row-unreadable') throw new VodError('not-mended', 'This needs a person.');
    const film = finding.assetId === null ? null : await this.#ledger.find(finding.assetId);
    if (film && filmKeyOfDerived(finding.key) === keyOfFilm(film)) return this.#remake(film, finding.key);
    if (!film || keyOfFilm(film) !== finding.key) throw new VodError('not-mended', 'The row has changed meanwhile.');
    if (finding.code === 'film-missing' || finding.code === 'film-damaged') return this.#recover(film, finding.code);
    if (finding.code === 'metadata-missing' || finding.code === 'metadata-wrong') return this.#describe(film);
    if (finding.code === 'film-without-file') return this.#addFile(film);
    throw new VodError('not-mended', 'This needs a person.');
  }

  /** An editor can see it again, and delete it. */
  async #addFile({ assetId }: StoredFilm) {
    // One that was replaced, by a process that died before it said so, goes its way to the trash.
    await getService(this.strapi, 'film-replacement').sweep();
    const film = await this.#ledger.find(assetId);
    if (!film || !(await isForsaken(this.strapi, film, { minAgeSeconds: 0 }))) return 'gone';
    if (!(await this.#isFile(film.storageKey))) throw new VodError('not-mended', 'There is no film to be shown.');
    await giveFile(this.strapi, assetId, await foldersOf(this.strapi, film));
    return { how: 'file-added' as const, to: film.storageKey };
  }

  /** Brings a film back that lies under another name. */
  async #recover(film: StoredFilm, code: 'film-missing' | 'film-damaged') {
    const key = keyOfFilm(film);
    const found = await this.#findStray(film);
    if (found === null) throw new VodError('not-mended', 'No other file has these bytes.');
    if (code === 'film-damaged') await this.#putFilmAside(key);
    // Before the film, by which alone it is found again: cut off in between, a further run goes on.
    await this.#bringBeside(film, found);
    if (!(await moveToKey(this.#root, pathOfKey(this.#root, found), key))) {
      throw new VodError('not-mended', 'Another file has the name.');
    }
    this.#strays.delete(found);
    await pruneEmptyParents(this.#root, found);
    await this.#describe(film);
    return { how: 'found' as const, to: found };
  }

  /** What was made of it has gone with it, or has stayed: what somebody uploaded is nowhere else. */
  async #bringBeside(film: StoredFilm, found: string): Promise<void> {
    for (const { name, sha256 } of film.derived) {
      const [from, to] = [derivedKeyOf(found, name), derivedKeyOf(keyOfFilm(film), name)];
      if (!this.#strays.has(from) || (await hashKey(this.#root, from).catch(() => null)) !== sha256) continue;
      if (!(await this.#isBack(film, to)) && (await this.#isFile(to))) await this.#putAside(to);
      if (!(await moveToKey(this.#root, pathOfKey(this.#root, from), to))) continue;
      this.#strays.delete(from);
      await pruneEmptyParents(this.#root, from);
    }
  }

  async #findStray(film: StoredFilm): Promise<string | null> {
    for (const key of this.#strays) {
      const size = await lstat(path.join(this.#root.path, key)).then(
        (stat) => stat.size,
        () => null,
      );
      if (size === film.sizeBytes && (await hashKey(this.#root, key)) === film.sha256) return key;
    }
    return null;
  }

  /** Nothing is lost: a worker makes it of the film once more. What somebody uploaded is left for a person to see to. */
  async #remake(film: StoredFilm, key: string) {
    const { assetId, state } = film;
    if (await this.#isBack(film, key)) return 'gone';
    if (state !== 'ready') throw new VodError('not-mended', 'Restore the film first.');
    const name = path.posix.basename(key);
    if (isUploadedText(name)) throw new VodError('not-mended', 'Somebody uploaded it; nothing makes it anew.');
    await getService(this.strapi, 'ingest').remake(assetId, [name]);
    return { how: 'to-be-made' as const, to: key };
  }

  /** It came back with its film. */
  async #isBack({ derived }: StoredFilm, key: string): Promise<boolean> {
    const made = derived.find(({ name }) => name === path.posix.basename(key));
    return made !== undefined && (await hashKey(this.#root, key).catch(() => null)) === made.sha256;
  }

  async #describe(film: StoredFilm) {
    const key = keyOfFilm(film);
    if (!(await this.#isFile(key))) throw new VodError('not-mended', 'There is no film to be described.');
    const known = await readMetadata(this.#root, key);
    const storedAt = typeof known === 'string' ? new Date().toISOString() : known.storedAt;
    await writeMetadata(this.#root, key, metadataOf(film, await foldersOf(this.strapi, film), storedAt));
    return { how: 'metadata-written' as const, to: key };
  }

  /** A film that says truly what it is gets its row back, as one in the trash; all else is put aside there. */
  async #clear(key: string) {
    if (!this.#strays.has(key) || !(await this.#isFile(key))) return 'gone';
    // It goes together with its film, which is a stray too.
    const filmKey = filmKeyOf(key) ?? filmKeyOfDerived(key);
    if (filmKey !== null && this.#strays.has(filmKey)) return 'gone';
    const metadata = await trueMetadata(this.strapi, key);
    if (metadata === null || (await this.#ledger.has(metadata.assetId))) {
      return { how: 'put-aside' as const, to: await this.#putAside(key) };
    }
    const trashKey = await moveToTrash(this.#root, key, metadata.assetId, new Date());
    const storageKey = await this.#freeName(metadata.storageKey, metadata.assetId);
    await addRowFrom(this.strapi, metadata, { storageKey, trashKey });
    return { how: 'to-trash' as const, to: trashKey };
  }

  /** Where it came from, if that is still free: a film in the trash keeps its name. */
  async #freeName(key: string, assetId: string): Promise<string> {
    return (await this.#ledger.isKeyTaken(key)) ? `library/restored/${assetId}/${path.posix.basename(key)}` : key;
  }

  #putAside(key: string): Promise<string> {
    return moveToTrash(this.#root, key, newAside(), new Date());
  }

  /** What lies beside it stays: that belongs to the film that comes in its place. */
  async #putFilmAside(key: string): Promise<void> {
    await moveToKey(this.#root, pathOfKey(this.#root, key), trashKeyFor(key, newAside(), new Date()));
  }

  async #isFile(key: string): Promise<boolean> {
    try {
      return (await lstat(path.join(this.#root.path, key))).isFile();
    } catch (error) {
      if (hasErrno(error, 'ENOENT')) return false;
      throw error;
    }
  }
}

/**
 * Mends what can be mended without guessing. Throws `storage-busy`, and `storage-unknown` where the database knows no
 * film at all: then everything would be cleared away that `rebuild` can bring back.
 */
export async function* repair(strapi: Core.Strapi, options: VerifyOptions): AsyncGenerator<RepairEvent> {
  const release = await lockLibrary(getService(strapi, 'storage').root);
  try {
    if ((await createLedger(strapi).count()) === 0) {
      throw new VodError('storage-unknown', 'The database knows no film. To bring the films back: storage rebuild.');
    }
    yield* new Repair(strapi).run(options);
  } finally {
    await release();
  }
}
