import path from 'node:path';
import type { EncoderChoice, EncoderRefusal, EncoderReport, HardwareEncoder } from '../../../../server/contracts';
import { describeCause } from '../../errors';
import type { Logger } from '../../logger';
import { IngestError } from '../ingest-error';
import type { Toolbox } from '../tools/toolbox';
import { type Candidate, hardwareCandidates } from './cards';
import type { CardAtWork, PictureEncoder } from './encoder';
import { SOFTWARE } from './software';
import { IllLikeness, testEncode } from './test-encode';

/** Films one after another at which an encoder may fail that passes its test; then this worker leaves it alone. */
const MAX_FAILURES = 3;

/** What a worker makes the pictures of renditions with. */
export interface Encoders {
  /** Tried out the first time, and after each failure. Never rejects. */
  chosen(tools: Toolbox): Promise<PictureEncoder>;
  /** Of what was chosen for these tools. */
  report(tools: Toolbox): Promise<EncoderReport>;
  /** For one film; what it tells is kept in mind. */
  cardOf(encoder: PictureEncoder): CardAtWork;
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

/** How often each encoder has failed since it last succeeded, by its name. */
type Failures = Map<string, number>;

async function refusalOf(
  candidate: Candidate,
  run: { tools: Toolbox; root: string; failures: Failures },
): Promise<Omit<Refusal, 'encoder'> | null> {
  const { encoder } = candidate;
  if ((run.failures.get(encoder.name) ?? 0) >= MAX_FAILURES) return { why: 'failed-at-work', detail: '' };
  return testEncode(run.tools, encoder, path.join(run.root, 'ingest')).then(
    () => null,
    (error: unknown) => ({
      why: whyOf(error, candidate),
      detail: error instanceof IngestError ? error.detail : describeCause(error),
    }),
  );
}

/** The first of those that this machine may have which works; x264 where none does. */
async function choose(run: { tools: Toolbox; root: string; failures: Failures }, logger: Logger): Promise<Chosen> {
  const refused: Refusal[] = [];
  let encoder: PictureEncoder = SOFTWARE;
  for (const candidate of await hardwareCandidates()) {
    const refusal = await refusalOf(candidate, run);
    if (refusal === null) {
      encoder = candidate.encoder;
      break;
    }
    refused.push({ encoder: candidate.encoder.name, ...refusal });
  }
  logger.info({ encoder: encoder.name, refused }, 'renditions are made with this encoder');
  return { encoder, report: { used: encoder.name, refused: told(refused) } };
}

export function createEncoders({ choice, root, logger }: EncodersOptions): Encoders {
  const failures: Failures = new Map();
  let last: { tools: Toolbox; chosen: Promise<Chosen> } | null = null;

  const look = async (tools: Toolbox): Promise<Chosen> => {
    if (choice === 'software') return SOFTWARE_ALONE;
    if (last?.tools !== tools) last = { tools, chosen: choose({ tools, root, failures }, logger) };
    return last.chosen;
  };

  return {
    chosen: async (tools) => (await look(tools)).encoder,
    report: async (tools) => (await look(tools)).report,
    cardOf: (encoder) => ({
      encoder,
      succeeded: () => {
        failures.delete(encoder.name);
      },
      failed({ reason, detail }) {
        const { name } = encoder;
        failures.set(name, (failures.get(name) ?? 0) + 1);
        last = null;
        logger.warn({ encoder: name, reason, detail }, 'the encoder failed with a film: x264 has made its rendition');
      },
    }),
  };
}
