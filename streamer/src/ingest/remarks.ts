import type { DerivedFile, IngestReason, TextTrackFacts } from '../../../server/contracts';
import type { Making } from './kinds/maker';

/** What a maker says beside the files that it makes. */
export interface Remarks extends Pick<Making, 'described' | 'noted'> {
  factsOf(name: string): Pick<DerivedFile, 'text'>;
  note(): { note?: IngestReason };
}

export function createRemarks(): Remarks {
  const texts = new Map<string, TextTrackFacts>();
  let reason: IngestReason | null = null;
  return {
    described(name, text) {
      texts.set(name, text);
    },
    noted(said) {
      reason = said;
    },
    factsOf(name) {
      const text = texts.get(name);
      return text === undefined ? {} : { text };
    },
    note: () => (reason === null ? {} : { note: reason }),
  };
}
