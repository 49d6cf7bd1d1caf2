import path from 'node:path';
import { forkLauncher, type ProcessState, Supervisor, type SupervisorOptions } from '../../../../server/src/supervisor';

export interface Supervised {
  supervisor: Supervisor;
  states: ProcessState[];
  sentences: string[];
  ports: number[];
  /** What the next processes are told. */
  settings: Record<string, unknown>;
}

/** A supervisor of `stand-in-child.cjs` that waits for milliseconds where a real one waits for seconds. */
export function supervise(
  settings: Record<string, unknown>,
  { stdout, ...overrides }: Partial<SupervisorOptions> & { stdout?: NodeJS.WritableStream } = {},
): Supervised {
  const sentences: string[] = [];
  const note = (sentence: string) => void sentences.push(sentence);
  const states: ProcessState[] = [];
  const ports: number[] = [];
  const supervised = { settings, states, sentences, ports };
  const supervisor = new Supervisor({
    name: 'child',
    log: { info: note, warn: note, error: note },
    startSeconds: 0.01,
    startTimeoutSeconds: 20,
    startRetries: 2,
    backoff: { firstSeconds: 0.01, capSeconds: 0.08 },
    stopWaitSeconds: 20,
    onState: (state) => states.push(state),
    launch: forkLauncher({
      entry: () => path.join(import.meta.dirname, 'stand-in-child.cjs'),
      settings: () => supervised.settings,
      onListening: ({ port }) => ports.push(port),
      ...(stdout && { stdout }),
    }),
    ...overrides,
  });
  return Object.assign(supervised, { supervisor });
}
