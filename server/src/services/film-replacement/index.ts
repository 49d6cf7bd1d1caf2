import { AsyncResource } from 'node:async_hooks';
import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { z } from 'zod';
import type { AuditParty } from '../../../contracts';
import { VIDEO_UID } from '../../content-types/uids';
import { afterCommit } from '../after-commit';
import { requesterOf } from '../audit/requester';
import { getService } from '../get-service';
import { FILE_UID, markedAsset, protectedMark } from '../protected-mark';
import { trashIfUnused } from '../unused-film';
import { type AddressChange, type FileWrite, isConditional, readdressFile } from './file-address';
import { createReplacedFilms, type ReplacedFilm } from './replaced-films';
import { endAbandoned, moveAway } from './retirement';

/** So long are ends of sessions collected before somebody looks whether a film has lost its last one. */
const LOOK_AFTER_MS = 500;

interface FileEvent {
  params: FileWrite;
  state: Record<string, unknown>;
  /** The row of before, of one that was deleted. */
  result?: unknown;
}

const fileSchema = z.object({ documentId: z.string() });
const videoSchema = z.object({ documentId: z.string() });
const writtenSchema = z.object({ updatedBy: z.number() });

export interface FilmReplacementService {
  /** Hears of Media Library rows that get another film. */
  subscribe(): void;
  /** Some sessions have: a replaced film may have lost its last one. Returns at once. */
  sessionsEnded(): void;
  /** Ends what was begun: by a process that died, or by viewers who left. Any number of nodes may do so at once. */
  sweep(): Promise<void>;
  /** The Media Library file is deleted: what it stood for before goes with it, whoever watches. */
  fileDeleted(fileDocumentId: string): Promise<void>;
  /** The film is public from now on: its protected bytes go at once, or where that fails, with a later sweep. */
  filmReleased(assetId: string): Promise<void>;
  close(): void;
}

/**
 * Another film in place of one that may be watched at that moment. The entry, the file, and what is known of who watched stay; new
 * sessions get the new film, running ones go on with theirs, and when the last of those ends its bytes go to the trash.
 */
export function createFilmReplacementService({ strapi }: { strapi: Core.Strapi }): FilmReplacementService {
  const films = createReplacedFilms(strapi);
  let timer: NodeJS.Timeout | undefined;
  /** Not within the request or transaction of whoever ends a session. */
  const later = AsyncResource.bind((task: () => void) => setTimeout(task, LOOK_AFTER_MS).unref());

  const changeIn = ({ change }: FileEvent['state']) => change as AddressChange | undefined;

  async function promise({ old, by, file }: AddressChange): Promise<void> {
    if (old !== null) await films.promise({ old, by, file });
  }

  async function refuseGone(by: string | null): Promise<never> {
    if (by !== null) await trashIfUnused(strapi, by);
    throw new errors.NotFoundError('This file was deleted while another film was put in its place.');
  }

  async function fileChanges(event: FileEvent): Promise<void> {
    const by = markedAsset(event.params.data);
    const change = await readdressFile(strapi, event.params, promise);
    if (change.outcome === 'gone' && by !== null && !isConditional(event.params)) await refuseGone(by);
    if (change.outcome !== 'moved') return;
    event.state.change = change;
    // A later one that lost against this one has written its own promise over it.
    await promise(change);
    const isThere = (await strapi.db.query(FILE_UID).count({ where: { documentId: change.file } })) > 0;
    if (!isThere && !change.isConditional) await refuseGone(by);
  }

  /** Whatever was about to stand in its place, or had just begun to. */
  async function fileGone({ result }: FileEvent): Promise<void> {
    const file = fileSchema.safeParse(result).data?.documentId;
    if (file === undefined) return;
    // Bytes do not come back where a transaction is taken back.
    await afterCommit(strapi, async () => {
      for (const id of await films.everIn(file)) {
        await trashIfUnused(strapi, id).catch((error: unknown) => strapi.log.error(error));
      }
    });
  }

  /** Who did it: an upload over tus comes without an administrator's request, but says whose it is. */
  function actorOf({ params }: FileEvent): AuditParty | null {
    const writer = writtenSchema.safeParse(params.data).data;
    return requesterOf(strapi) ?? (writer ? { kind: 'admin', id: String(writer.updatedBy) } : null);
  }

  async function audit(asset: string, origin: AuditParty | null): Promise<void> {
    const where = { source: { url: protectedMark(asset).url } };
    const found: unknown[] = await strapi.db.query(VIDEO_UID).findMany({ where, select: ['documentId'] });
    // Draft and published row of one entry, and its languages.
    const videos = new Set(found.map((row) => videoSchema.parse(row).documentId));
    for (const video of videos.size > 0 ? videos : [null]) {
      getService(strapi, 'audit').record({ kind: 'replacement', origin, video, asset });
    }
  }

  async function retire(film: ReplacedFilm): Promise<void> {
    const { store } = getService(strapi, 'playback-session');
    if ((await store.findActive({ asset: film.documentId }, 1)).length > 0) return;
    await moveAway(strapi, films, film, film.reason ?? 'replaced');
  }

  async function finish({ old, by }: { old: string; by: string }, origin: AuditParty | null): Promise<void> {
    try {
      await getService(strapi, 'ingest').cancel(old);
      await audit(by, origin);
      const film = await films.find(old);
      if (film) await retire(film);
    } catch (error) {
      // The file has its new film; the rest is done again by `sweep`.
      strapi.log.error(error);
    }
  }

  async function fileChanged(event: FileEvent): Promise<void> {
    const change = changeIn(event.state);
    if (!change || change.old === null) return;
    const { old, by, isConditional } = change;
    // A film in whose place something else was put than it was thought to be when that began.
    if (by === null) return isConditional ? undefined : afterCommit(strapi, () => trashIfUnused(strapi, old));
    if (!(await films.settle(old))) return;
    const origin = actorOf(event);
    await afterCommit(strapi, () => finish({ old, by }, origin));
  }

  /** One film that cannot be put away is no reason to leave the others. */
  async function each(found: readonly ReplacedFilm[], act: (film: ReplacedFilm) => Promise<void>): Promise<void> {
    for (const film of found) await act(film).catch((error: unknown) => strapi.log.error(error));
  }

  /** What was promised by a process that died. */
  async function takeUp({ documentId: old, replacedBy }: ReplacedFilm): Promise<void> {
    const reason = replacedBy ? 'replaced' : 'file-deleted';
    if (await films.settle(old, reason)) await getService(strapi, 'ingest').cancel(old);
  }

  async function look(): Promise<void> {
    await each(await films.waiting(), retire);
  }

  return {
    subscribe() {
      const heard = { beforeUpdate: fileChanges, afterUpdate: fileChanged, afterDelete: fileGone };
      strapi.db.lifecycles.subscribe({ models: [FILE_UID], ...heard });
    },
    sessionsEnded() {
      timer ??= later(() => {
        timer = undefined;
        look().catch((error: unknown) => strapi.log.error(error));
      });
    },
    async sweep() {
      await each(await films.promised(), takeUp);
      await each(await films.waiting(), (film) => endAbandoned(strapi, film));
      await look();
    },
    async fileDeleted(fileDocumentId) {
      await each(await films.of(fileDocumentId), (film) => moveAway(strapi, films, film, 'file-deleted'));
    },
    async filmReleased(assetId) {
      if (!(await films.settle(assetId, 'released'))) return;
      await getService(strapi, 'ingest').cancel(assetId);
      const film = await films.find(assetId);
      if (film) await moveAway(strapi, films, film, 'released');
    },
    close: () => clearTimeout(timer),
  };
}
