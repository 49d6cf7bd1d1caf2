import { z } from 'zod';
import { assetIdSchema, documentIdSchema } from './ids';
import { grantedFileSchema } from './poster-api';
import { PROTOCOLS } from './protocols';
import { storageKeySchema } from './storage-key';
import { textTrackFactsSchema, textTrackIdSchema } from './text-tracks';

/** One stored encode of the film: `source` is the upload itself, all others were made of it (`360p`, `full`). */
export const renditionSchema = z.object({
  id: z.string().regex(/^[a-z0-9]{1,16}$/),
  storageKey: storageKeySchema,
  sizeBytes: z.number().int().nonnegative(),
  /** The shorter side of the picture as it is shown, in pixels; 0: there is none; absent: not known. */
  height: z.number().int().nonnegative().exactOptional(),
});

export const grantedTextTrackSchema = textTrackFactsSchema.extend({ id: textTrackIdSchema, file: grantedFileSchema });

export const grantedAssetSchema = z.object({
  id: assetIdSchema,
  /** Changes with every byte of the asset; part of segment cache keys and ETags. Opaque. */
  contentVersion: z.string().regex(/^[A-Za-z0-9_-]{8,64}$/),
  fileName: z.string().max(255),
  mime: z.string().max(127),
  durationSeconds: z.number().nonnegative(),
  /** Best first. */
  renditions: z.array(renditionSchema).min(1).max(16),
  /** Absent: none was made, or not yet. */
  poster: grantedFileSchema.exactOptional(),
  storyboard: z.object({ index: grantedFileSchema, sprite: grantedFileSchema }).exactOptional(),
  /** In the order in which players are to list them. Absent: there is none. */
  textTracks: z.array(grantedTextTrackSchema).max(64).exactOptional(),
  /** Of a film without a picture. */
  waveform: grantedFileSchema.exactOptional(),
});

export const clientSchema = z.object({
  /** `203.0.113.0/24` or `2001:db8:1:200::/56`; whole addresses are not passed on. */
  addressPrefix: z.string().max(64),
  /** First 16 hex digits of the SHA-256 of the user agent. */
  agent: z.string().regex(/^[0-9a-f]{16}$/),
});

/** AES-128 over whole HLS segments (RFC 8216 §4.3.2.4). DASH and every other way of delivery are not concerned. */
export const hlsEncryptionSchema = z.object({
  /** 32 bytes of this session alone, base64url: what its segment keys are derived from. Never sent to a viewer. */
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  /** How many segments of a track in a row have one key. */
  segmentsPerKey: z.number().int().min(1),
});

/** What an active session permits. The streamer holds it for the length of the lease and no longer. */
export const grantSchema = z.object({
  video: documentIdSchema,
  asset: grantedAssetSchema,
  protocols: z.array(z.enum(PROTOCOLS)),
  download: z.boolean(),
  /** Absent: HLS segments are sent as they are. */
  hlsEncryption: hlsEncryptionSchema.exactOptional(),
  client: clientSchema,
  /** The session is bound to no client: `client` is only the one that opened it. */
  anyClient: z.literal(true).exactOptional(),
  /** Raised by every hand-over; an answer with a lower one is stale. */
  generation: z.number().int().nonnegative(),
  /** Counts from the moment the streamer sent the request that brought this grant. */
  leaseSeconds: z.number().positive(),
  /** How much longer than the lease playback may go on while the plugin cannot be reached. */
  outageGraceSeconds: z.number().nonnegative(),
  /** Media seconds that may be served: elapsed × factor + bufferSeconds. */
  pace: z.object({ factor: z.number().positive(), bufferSeconds: z.number().positive() }),
});

export type Rendition = z.infer<typeof renditionSchema>;
export type GrantedTextTrack = z.infer<typeof grantedTextTrackSchema>;
export type GrantedAsset = z.infer<typeof grantedAssetSchema>;
export type HlsEncryption = z.infer<typeof hlsEncryptionSchema>;
export type Client = z.infer<typeof clientSchema>;
export type Grant = z.infer<typeof grantSchema>;
