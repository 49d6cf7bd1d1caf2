import { AsyncResource } from 'node:async_hooks';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import type { AuditParty } from '../../../contracts';
import { VIDEO_UID } from '../../content-types/uids';
import { requesterOf } from '../audit/requester';
import { getService } from '../get-service';
import { FILE_UID, markedAsset, protectedMark } from '../protected-mark';
import { createReplacedFilms, type ReplacedFilm, type Replacement } from './replaced-films';
import { endAbandoned, moveAway } from './retirement';

/** So long are ends of sessions collected before somebody looks whether a film has lost its last one. */
const LOOK_AFTER_MS = 500;

interface FileEvent {
  params: { where?: unknown; data?: unknown };
  state: Record<string, unknown>;
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

  const replacementIn = ({ replacement }: FileEvent['state']) => replacement as Replacement | undefined;

  async function fileChanges(event: FileEvent): Promise<void> {
    const by = markedAsset(event.params.data);
    if (by === null) return;
    const row: unknown = await strapi.db.query(FILE_UID).findOne({ where: event.params.where });
    const old = markedAsset(row);
    if (old === null || old === by) return;
    const replacement: Replacement = { old, by, file: fileSchema.parse(row).documentId };
    await films.promise(replacement);
    event.state.replacement = replacement;
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

  async function finish({ old, by }: Pick<Replacement, 'old' | 'by'>, origin: AuditParty | null): Promise<void> {
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
    const replacement = replacementIn(event.state);
    if (!replacement || !(await films.settle(replacement.old))) return;
    const origin = actorOf(event);
    const done = () => finish(replacement, origin);
    if (!strapi.db.inTransaction()) return done();
    await strapi.db.transaction(async ({ onCommit }) => onCommit(() => setImmediate(() => void done())));
  }

  /** One film that cannot be put away is no reason to leave the others. */
  async function each(found: readonly ReplacedFilm[], act: (film: ReplacedFilm) => Promise<void>): Promise<void> {
    for (const film of found) await act(film).catch((error: unknown) => strapi.log.error(error));
  }

  async function look(): Promise<void> {
    await each(await films.waiting(), retire);
  }

  return {
    subscribe() {
      strapi.db.lifecycles.subscribe({ models: [FILE_UID], beforeUpdate: fileChanges, afterUpdate: fileChanged });
    },
    sessionsEnded() {
      timer ??= later(() => {
        timer = undefined;
        look().catch((error: unknown) => strapi.log.error(error));
      });
    },
    async sweep() {
      await each(await films.promised(), async ({ documentId: old }) => {
        if (await films.settle(old)) await getService(strapi, 'ingest').cancel(old);
      });
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
