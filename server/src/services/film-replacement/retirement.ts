import type { Core } from '@strapi/strapi';
import { configOf } from '../../config';
import { sizeOfKey } from '../../storage/hash-key';
import { storageError } from '../../storage/storage-error';
import { followToTrash, moveToTrashKey, trashKeyFor } from '../../storage/trash';
import { requesterOf } from '../audit/requester';
import { getService } from '../get-service';
import { judgeSession } from '../playback-session/judgement';
import type { ReplacedFilm, ReplacedFilms } from './replaced-films';

/**
 * Takes a replaced film to the trash. Where it goes is written down first: cut off anywhere, or begun by two nodes at once, it
 * ends in the same way. Throws `storage-missing`.
 */
export async function moveAway(
  strapi: Core.Strapi,
  films: ReplacedFilms,
  film: ReplacedFilm,
  reason: string,
): Promise<void> {
  const { root } = getService(strapi, 'storage');
  const { documentId: asset, storageKey } = film;
  if (!film.trashKey) await films.promiseTrash(film, trashKeyFor(storageKey, asset, new Date()));
  const promised = await films.find(asset);
  if (!promised?.trashKey) return;
  const { trashKey } = promised;
  if (!(await moveToTrashKey(root, storageKey, trashKey)) && (await sizeOfKey(root, trashKey)) === null) {
    if ((await films.find(asset)) === null) return;
    throw storageError('storage-missing', `The replaced film ${asset} is not in the library.`);
  }
  if (!(await films.trashed(promised, reason))) return;
  // What a worker delivered between the move and this has come to the old place.
  await followToTrash(root, storageKey, trashKey);
  getService(strapi, 'audit').record({ kind: 'deletion', origin: requesterOf(strapi), asset, reason });
}

/** Ends the sessions on it of viewers who left without a word: nobody else would ask about those before their lifetime is over. */
export async function endAbandoned(strapi: Core.Strapi, { documentId: asset }: ReplacedFilm): Promise<void> {
  const { store, idleTimes } = getService(strapi, 'playback-session');
  const { session } = configOf(strapi);
  // Those that somebody watches are asked about all the time.
  const rows = (await store.findActive({ asset })).filter((row) => row.lease_due < Date.now());
  const decide = getService(strapi, 'entitlement').deliberation();
  const idle = await idleTimes(rows);
  const judged = await Promise.all(
    rows.map((row) => {
      const silence = { since: row.last_seen_at, ms: async () => idle.get(row.session_hash) ?? 0 };
      // One bad session keeps nobody else's from its end (S17).
      return judgeSession(row, { decide, session, silence }).catch((error: unknown) => {
        strapi.log.error(error);
        return null;
      });
    }),
  );
  const ended = judged.flatMap((judgement) => (judgement?.outcome === 'end' ? [judgement] : []));
  if (ended.length > 0) await store.settle(ended, [], 'pass-by');
}
