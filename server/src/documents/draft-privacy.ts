import type { Core, Struct, UID } from '@strapi/strapi';
import { traverseEntity } from '@strapi/utils';
import { z } from 'zod';
import { VIDEO_UID } from '../content-types/uids';
import { FILE_UID } from '../services/protected-mark';

const userSchema = z.object({ __type: z.string(), publishedAt: z.unknown() });

/** A row that does not say when it was published counts as a draft: which fields are told is up to who asks. */
function isHidden(row: unknown): boolean {
  const user = userSchema.safeParse(row).data;
  return user?.__type === VIDEO_UID && !user.publishedAt;
}

/**
 * A Media Library file tells through `related` which entries use it, drafts among them. The content API tells it of
 * published videos only, because drafts are for editors (S10).
 */
export function hideDraftsBehindFiles(strapi: Core.Strapi): void {
  const getModel = (uid: string) => strapi.getModel(uid as UID.Schema);
  strapi.sanitizers.add('content-api.output', ((schema: Struct.Schema) =>
    traverseEntity(
      ({ key, value, schema: { uid } }, { set }) => {
        if (uid === FILE_UID && key === 'related' && Array.isArray(value)) {
          set(key, value.filter((row) => !isHidden(row)) as never);
        }
      },
      { schema, getModel } as never,
    )) as never);
}
