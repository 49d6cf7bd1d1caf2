import { z } from 'zod';
import { assetIdSchema } from '../../contracts';

export const FILE_UID = 'plugin::upload.file';

const markedSchema = z.object({
  provider_metadata: z.object({ protectedVod: z.object({ assetId: assetIdSchema }) }),
});

/** What a Media Library row carries for a protected film. It is public through REST: an id and nothing more. */
export function protectedMark(assetId: string) {
  // No route answers here, so nothing that shows or copies a file's address can play it.
  return { url: `/protected-vod/asset/${assetId}`, provider_metadata: { protectedVod: { assetId } } };
}

/** The asset that a Media Library row stands for; null if the row is not a protected film. */
export function markedAsset(file: unknown): string | null {
  return markedSchema.safeParse(file).data?.provider_metadata.protectedVod.assetId ?? null;
}
