import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';
import { requesterOf } from '../services/audit/requester';
import { getService } from '../services/get-service';
import { markedAsset } from '../services/protected-mark';

const rowSchema = z.object({ source: z.unknown() });

/** What an entry shows before and after it is published again. */
export function createPublishedFilms(strapi: Core.Strapi) {
  const noted = new Map<string, string>();

  /** All languages show the same. Null: it is not published, or has no protected film. */
  async function filmOf(documentId: string): Promise<string | null> {
    const where = { documentId, publishedAt: { $notNull: true } };
    const row: unknown = await strapi.db.query(VIDEO_UID).findOne({ where, populate: { source: true } });
    return markedAsset(rowSchema.nullable().parse(row)?.source);
  }

  return {
    async note(documentId: string): Promise<void> {
      const film = await filmOf(documentId);
      if (film !== null) noted.set(documentId, film);
    },

    /** Tells of those that got another file as their source, and who did it. */
    async auditReplacements(): Promise<void> {
      for (const [video, film] of noted) {
        const asset = await filmOf(video);
        if (asset === null || asset === film) continue;
        getService(strapi, 'audit').record({ kind: 'replacement', origin: requesterOf(strapi), video, asset });
      }
    },
  };
}
