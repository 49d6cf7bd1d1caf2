import { z } from 'zod';
import { STRATEGY_NAMES } from './strategies';

const GIB = 1024 ** 3;

/** `storage` of the plugin's configuration. */
export const storageSchema = z
  .strictObject({
    root: z
      .string()
      .min(1)
      .default('.protected-vod')
      .describe('Storage root; relative to the app. Never below `public/`.'),
    strategy: z.enum(STRATEGY_NAMES).default('site2').describe('How newly stored films are laid out.'),
    publicFolders: z
      .array(z.string())
      .default([])
      .describe('Media Library folder paths (`/Promo`) whose films stay public.'),
    quotaBytes: z
      .number()
      .int()
      .positive()
      .nullable()
      .default(null)
      .describe('What all films may take, those on their way included and the trash not; `null` sets no limit.'),
    minFreeBytes: z.number().int().nonnegative().default(GIB).describe('Room on the disk that no film may take.'),
  })
  .prefault({});

/** `upload` of the plugin's configuration. */
export const uploadSchema = z
  .strictObject({
    maxBytes: z
      .number()
      .int()
      .positive()
      .default(100 * GIB)
      .describe('Largest film that can be uploaded.'),
    tokenLifetimeSeconds: z
      .number()
      .int()
      .positive()
      .default(24 * 3600)
      .describe('How long one resumable upload may take; what is not complete by then is removed.'),
  })
  .prefault({});
