import type { Core } from '@strapi/strapi';
import { errors } from '@strapi/utils';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';
import { getService } from '../services/get-service';
import { markedAsset } from '../services/protected-mark';
import { alignPublishedLocales } from './locale-agreement';
import { createPublishedFilms } from './published-films';
import { refuseUnlessEditor } from './source-sharing';

const ACTIONS = new Set(['create', 'update', 'publish', 'clone']);

const paramsSchema = z.object({ documentId: z.string().optional(), status: z.string().nullish() });
const sourceSchema = z.looseObject({ id: z.number(), name: z.string() });
const rowSchema = z.object({ documentId: z.string(), source: sourceSchema.nullish() });
const resultSchema = z.union([
  z.object({ documentId: z.string() }).transform((row) => [row.documentId]),
  z
    .object({ entries: z.array(z.object({ documentId: z.string() })) })
    .transform((r) => r.entries.map((e) => e.documentId)),
]);

type Source = z.infer<typeof sourceSchema>;

/** The sources of all rows of an entry: drafts, published ones, every locale. */
async function sourcesOf(strapi: Core.Strapi, documentIds: string[]): Promise<Source[]> {
  const found: unknown[] = await strapi.db
    .query(VIDEO_UID)
    .findMany({ where: { documentId: { $in: documentIds } }, populate: { source: true } });
  const sources = z
    .array(rowSchema)
    .parse(found)
    .flatMap((row) => row.source ?? []);
  return [...new Map(sources.map((source) => [source.id, source])).values()];
}

/** Throws unless the file is a film that can be played from protected storage now (S22). */
async function refuseUnlessReady(strapi: Core.Strapi, source: Source): Promise<void> {
  if (markedAsset(source) === null) {
    throw new errors.ApplicationError(
      `“${source.name}” is not in protected storage: anybody could watch it. Upload it again, outside the public folders.`,
      { code: 'source-not-protected' },
    );
  }
  if ((await getService(strapi, 'asset').findByFileId(source.id))?.state !== 'ready') {
    throw new errors.ApplicationError(`“${source.name}” cannot be played: its film is missing.`, {
      code: 'source-not-ready',
    });
  }
}

async function checkSources(strapi: Core.Strapi, documentIds: string[], before: Set<number>): Promise<void> {
  for (const source of await sourcesOf(strapi, documentIds)) {
    await refuseUnlessReady(strapi, source);
    if (!before.has(source.id)) await refuseUnlessEditor(strapi, { id: source.id, name: source.name }, documentIds);
  }
}

/**
 * Rules about the source of a video, for every way in: Content Manager, REST, GraphQL and code. The write is looked at
 * once it is done and undone if it broke a rule, because a source can be named in many shapes, and only the rows tell
 * which file it really is.
 */
export function guardVideoSources(strapi: Core.Strapi): void {
  strapi.documents.use(async (context, next) => {
    if (context.uid !== VIDEO_UID || !ACTIONS.has(context.action)) return next();
    const { documentId, status } = paramsSchema.catch({}).parse(context.params);
    const publishes = context.action === 'publish' || status === 'published';
    // A clone is another entry: what it shares with its model is newly attached.
    const known = documentId !== undefined && context.action !== 'clone' ? [documentId] : [];
    const before = new Set((await sourcesOf(strapi, known)).map((source) => source.id));
    const films = createPublishedFilms(strapi);
    if (publishes && documentId !== undefined) await films.note(documentId);
    const result = await strapi.db.transaction(async () => {
      const done = await next();
      const written = new Set(resultSchema.safeParse(done).data ?? []);
      if (written.size > 0) await checkSources(strapi, [...written], before);
      if (publishes) for (const id of written) await alignPublishedLocales(strapi, id);
      return done;
    });
    // The entry is written; an event less is no reason to say otherwise.
    await films.auditReplacements().catch((error: unknown) => strapi.log.error(error));
    return result;
  });
}
