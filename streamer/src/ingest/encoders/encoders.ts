import path from 'node:path';
import type { EncoderChoice, EncoderRefusal, EncoderReport, HardwareEncoder } from '../../../../server/contracts';
import { describeCause } from '../../errors';
import type { Logger } from '../../logger';
import { IngestError } from '../ingest-error';
import type { Toolbox } from '../tools/toolbox';
import { type Candidate, hardwareCandidates } from './cards';
import type { PictureEncoder } from './encoder';
import { SOFTWARE } from './software';
import { IllLikeness, testEncode } from './test-encode';

/** Films at which an encoder may fail that passes its test, before it is left alone for as long as this worker lives. */
const MAX_FAILURES = 3;

/** What a worker makes the pictures of renditions with. */
export interface Encoders {
  /** Tried out the first time, and after each failure. Never rejects. */
  chosen(tools: Toolbox): Promise<PictureEncoder>;
  /** Of what was chosen for these tools. */
  report(tools: Toolbox): Promise<EncoderReport>;
  /** It has failed with a film. */
  distrust(encoder: PictureEncoder, error: IngestError): void;
}

export interface EncodersOptions {
  choice: EncoderChoice;
  /** Real path of the storage root; encoders are tried out in its area `ingest`. */
  root: string;
  logger: Logger;
}

interface Chosen {
  encoder: PictureEncoder;
  report: EncoderReport;
}

interface Refusal {
  encoder: HardwareEncoder;
  why: EncoderRefusal;
  /** For the log. */
  detail: string;
}

function whyOf(error: unknown, { hasDevice }: Candidate): EncoderRefusal {
  if (error instanceof IllLikeness) return 'picture-differs';
  if (error instanceof IngestError && error.detail.includes('Unknown encoder')) return 'not-built-in';
  return hasDevice ? 'test-failed' : 'no-device';
}

/** One for each name: of several cards, that of the last. */
const told = (refusals: readonly Refusal[]): EncoderReport['refused'] => [
  ...new Map(refusals.map(({ encoder, why }) => [encoder, { encoder, why }])).values(),
];

const SOFTWARE_ALONE: Chosen = { encoder: SOFTWARE, report: { used: SOFTWARE.name, refused: [] } };

export function createEncoders({ choice, root, logger }: EncodersOptions): Encoders {
  const failures = new Map<string, number>();
  let last: { tools: Toolbox; chosen: Promise<Chosen> } | null = null;

  async function refusalOf(candidate: Candidate, tools: Toolbox): Promise<Omit<Refusal, 'encoder'> | null> {
    const { encoder } = candidate;
    if ((failures.get(encoder.name) ?? 0) >= MAX_FAILURES) return { why: 'failed-at-work', detail: '' };
    return testEncode(tools, encoder, path.join(root, 'ingest')).then(
      () => null,
      (error: unknown) => ({
        why: whyOf(error, candidate),
        detail: error instanceof IngestError ? error.detail : describeCause(error),
      }),
    );
  }

  async function choose(tools: Toolbox): Promise<Chosen> {
    const refused: Refusal[] = [];
    let encoder: PictureEncoder = SOFTWARE;
    for (const candidate of await hardwareCandidates()) {
      const refusal = await refusalOf(candidate, tools);
      if (refusal === null) {
        encoder = candidate.encoder;
        break;
      }
      refused.push({ encoder: candidate.encoder.name, ...refusal });
    }
    logger.info({ encoder: encoder.name, refused }, 'renditions are made with this encoder');
    return { encoder, report: { used: encoder.name, refused: told(refused) } };
  }

  const look = async (tools: Toolbox): Promise<Chosen> => {
    if (choice === 'software') return SOFTWARE_ALONE;
    if (last?.tools !== tools) last = { tools, chosen: choose(tools) };
    return last.chosen;
  };

  return {
    chosen: async (tools) => (await look(tools)).encoder,
    report: async (tools) => (await look(tools)).report,
    distrust({ name }, { reason, detail }) {
      failures.set(name, (failures.get(name) ?? 0) + 1);
      last = null;
      logger.warn({ encoder: name, reason, detail }, 'the encoder failed with a film: x264 makes its rendition anew');
    },
  };
}
