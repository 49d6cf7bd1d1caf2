import { z } from 'zod';
import { encoderReportSchema } from './encoders';
import { assetIdSchema } from './ids';
import { RUNG_KINDS, rungOrderSchema } from './ladder';
import { storageKeySchema } from './storage-key';
import { textTrackFactsSchema } from './text-tracks';

/** What can be made of a source. A worker is only ever given kinds that it named itself. */
export const INGEST_KINDS = ['poster', 'storyboard', 'texts', 'waveform', ...RUNG_KINDS] as const;

export const INGEST_REASON_CODES = [
  'ffmpeg-missing',
  'confinement-missing',
  'no-picture',
  'no-sound',
  'texts-left-out',
  'hdr-not-toned',
  'colours-unknown',
  'source-missing',
  'source-refused',
  'source-has-too-many-pixels',
  'source-is-too-long',
  'source-has-too-many-tracks',
  'source-has-too-many-pictures',
  'source-has-too-many-samples',
  'source-length-unclear',
  'tool-failed',
  'tool-timeout',
  'tool-memory',
  'tool-killed',
  'disk-full',
  'output-invalid',
  'worker-failed',
  'worker-lost',
  'asset-gone',
] as const;

/** Why something was not made, not yet, or not all of it; the codes are stable. */
export type IngestReason = (typeof INGEST_REASON_CODES)[number];

/** For editors and administrators. */
export const INGEST_REASONS: Record<IngestReason, string> = {
  'ffmpeg-missing': 'No worker that has asked lately has ffmpeg. Install it where a worker runs; the job waits.',
  'confinement-missing':
    'No worker that has asked lately can confine ffmpeg as `ingest.confinement` requires. The job waits for one that can.',
  'no-picture': 'The film has no picture.',
  'no-sound': 'The film has no sound.',
  'texts-left-out': 'Some subtitles of the film are pictures, or cannot be read; they are left out.',
  'hdr-not-toned':
    'The film is HDR, and the ffmpeg that converted it cannot make SDR of that (it lacks zscale): what was made of it looks pale.',
  'colours-unknown':
    'ffmpeg could not tell the colours of the film, which was converted as SDR: if it is HDR, what was made of it looks pale.',
  'source-missing': 'The film could not be read where it is stored.',
  'source-refused': 'The film is in a format, or larger than what, ffmpeg may be given here.',
  'source-has-too-many-pixels': 'The picture of the film is larger than this site allows (inspection.maxSidePixels).',
  'source-is-too-long': 'The film is longer than this site allows (inspection.maxDurationSeconds).',
  'source-has-too-many-tracks': 'The film has more tracks than this site allows (inspection.maxTracks).',
  'source-has-too-many-pictures':
    'The film has more pictures per second than this site allows (inspection.maxFrameRate).',
  'source-has-too-many-samples':
    'The film has more pictures than this site allows in one track (inspection.maxSamples).',
  'source-length-unclear':
    'Only a part of the film could be converted, or it became longer: times within it leap, or it is damaged. Export it again.',
  'tool-failed': 'ffmpeg could not read the film.',
  'tool-timeout': 'ffmpeg took longer than it may.',
  'tool-memory': 'ffmpeg wanted more memory than it may have.',
  'tool-killed': 'Something ended ffmpeg, as Linux does when a machine is out of memory.',
  'disk-full': 'There was no room left on the storage. The job waits until there is.',
  'output-invalid': 'What ffmpeg made is not what it should be.',
  'worker-failed': 'The worker failed; its log tells why.',
  'worker-lost': 'The worker died, or could not be reached any more, each time that it was tried.',
  'asset-gone': 'The film was deleted or replaced.',
};

/** What can stand around ffmpeg. Names are stable. */
export const INGEST_LAYERS = ['limits', 'network', 'life', 'root', 'files', 'privileges'] as const;

export type IngestLayer = (typeof INGEST_LAYERS)[number];

/** Kind of a job, also one that this version does not know. */
const kindSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/);

/** Name of a made file beside its source: `poster.jpg`. */
export const derivedNameSchema = z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}\.[a-z0-9]{1,8}$/);

/** Of a made picture, or text beside one: whoever makes or sends it holds it in memory as a whole. */
export const MAX_PICTURE_BYTES = 32 * 1024 ** 2;

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const sizeSchema = z.number().int().nonnegative();

export const jobIdSchema = z.string().regex(/^[a-z0-9]{1,64}$/);

/** A file that was made of a source, as its asset's row keeps it. It lies at `derivedKeyOf(source, name)`. */
export const derivedFileSchema = z.object({
  name: derivedNameSchema,
  sizeBytes: sizeSchema,
  sha256: sha256Schema,
  /** Of a text track, and of nothing else. */
  text: textTrackFactsSchema.exactOptional(),
  /**
   * Of a rendition: the shorter side of its picture, at most; 0: sound alone. The plugin's own word, whatever a worker reports.
   */
  height: z.number().int().nonnegative().exactOptional(),
});

/** What a film may ask for, as `inspection` of the configuration has it. */
export const filmLimitsSchema = z.object({
  maxSidePixels: z.number().positive(),
  maxDurationSeconds: z.number().positive(),
  maxTracks: z.number().int().positive(),
  maxFrameRate: z.number().positive(),
  /** Of one track. */
  maxSamples: z.number().int().positive(),
});

const sourceSchema = z.object({
  storageKey: storageKeySchema,
  /** 0: the plugin could not read it. */
  durationSeconds: z.number().nonnegative(),
  /** Of a film whose picture the plugin could not read: the worker has to hold it against these itself. */
  limits: filmLimitsSchema.exactOptional(),
});

/** Where the worker puts what it made. Keys are the plugin's choice (S24); one attempt never has those of another. */
const outputSchema = z.object({ name: derivedNameSchema, storageKey: storageKeySchema });

export const ingestJobSchema = z.object({
  id: jobIdSchema,
  asset: assetIdSchema,
  kind: kindSchema,
  /** The fence (S24): a report that names another one is late, and refused with 409. */
  attempt: z.number().int().positive(),
  /** Counts from the moment the worker sent its request. Each report of progress begins it anew. */
  leaseSeconds: z.number().positive(),
  source: sourceSchema,
  /** Directory of this job: what lies in it is there for the next attempt too. */
  scratch: storageKeySchema,
  outputs: z.array(outputSchema).min(1).max(16),
  /** Of a kind that makes a rendition. */
  rung: rungOrderSchema.exactOptional(),
});

/** POST /api/protected-vod/internal/jobs/claim */
export const claimRequestSchema = z.object({
  /** Drawn anew by each worker process. */
  worker: z.uuid(),
  /** What this worker can make now. */
  kinds: z.array(kindSchema).max(64),
  /** Why it cannot make more; told to administrators where nobody else makes it. */
  lacking: z.enum(INGEST_REASON_CODES).nullable(),
  /** What does not stand around its ffmpeg, and should; absent: it has none, or has not looked yet. */
  unconfined: z.array(z.enum(INGEST_LAYERS)).max(INGEST_LAYERS.length).optional(),
  /** What it makes the pictures of renditions with; absent: it has no ffmpeg, or has not looked yet. */
  encoder: encoderReportSchema.optional(),
});

/** Null: there is nothing to do for this worker. */
export const claimAnswerSchema = z.object({ job: ingestJobSchema.nullable() });

/** POST /api/protected-vod/internal/jobs/:id/report */
export const jobReportSchema = z.intersection(
  z.object({ worker: z.uuid(), attempt: z.number().int().positive() }),
  z.discriminatedUnion('state', [
    z.object({ state: z.literal('running'), progress: z.number().min(0).max(1) }),
    /** All outputs lie at their keys, synced to the disk; none where the film has none of what is taken out of it. */
    z.object({
      state: z.literal('done'),
      outputs: z.array(derivedFileSchema).max(16),
      /** What administrators should know of it all the same. */
      note: z.enum(INGEST_REASON_CODES).exactOptional(),
    }),
    /** `final`: another attempt would fail in the same way. */
    z.object({ state: z.literal('failed'), reason: z.enum(INGEST_REASON_CODES), final: z.boolean() }),
    /** The worker ends in good order: the next one may begin at once, and no failure is counted. */
    z.object({ state: z.literal('released') }),
  ]),
);

/** Of a report that is not late. */
export const jobReportAnswerSchema = z.discriminatedUnion('state', [
  z.object({ state: z.literal('running'), leaseSeconds: z.number().positive() }),
  /** The plugin has what it needs. */
  z.object({ state: z.literal('settled') }),
  /** Nobody wants it any more: stop, and leave nothing. */
  z.object({ state: z.literal('cancelled') }),
]);

export type IngestKind = (typeof INGEST_KINDS)[number];
export type DerivedFile = z.infer<typeof derivedFileSchema>;
export type FilmLimits = z.infer<typeof filmLimitsSchema>;
export type IngestJob = z.infer<typeof ingestJobSchema>;
export type ClaimRequest = z.infer<typeof claimRequestSchema>;
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;
export type JobReport = z.infer<typeof jobReportSchema>;
export type JobReportAnswer = z.infer<typeof jobReportAnswerSchema>;
