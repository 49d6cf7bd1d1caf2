import { z } from 'zod';

/** `hls` of the configuration. */
export const hlsSchema = z.strictObject({
  encryption: z
    .enum(['none', 'aes-128'])
    .default('none')
    .describe('`aes-128`: HLS segments are encrypted, with keys of each session: see “Encrypted HLS”.'),
  segmentsPerKey: z
    .number()
    .int()
    .min(1)
    .max(1000)
    .default(10)
    .describe('Segments of a track in a row that have one key.'),
});
