export type AskOutcome = 'active' | 'refused' | 'pending' | 'unavailable' | 'broken';
export type SyncOutcome = 'ok' | 'unavailable' | 'broken';

/** What access tells whoever counts. No credential, hash or address passes through it. */
export interface AccessObserver {
  introspected(outcome: AskOutcome): void;
  /** An answer was given from the negative cache or a limiter, without asking the plugin. */
  introspectionSpared(): void;
  signatureChecked(): void;
  synced(outcome: SyncOutcome, seconds: number): void;
  sessionEnded(): void;
}
