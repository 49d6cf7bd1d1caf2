interface OfFile {
  /** Of the Media Library file. */
  documentId: string;
  name: string;
}

/** What a run of `storage adopt` says of one film. */
export type AdoptEvent = OfFile &
  (
    | { kind: 'adopted'; assetId: string; key: string }
    | { kind: 'would-adopt' }
    /** It was protected, but its bytes were still in the public folder. */
    | { kind: 'leftover-removed'; assetId: string }
    | { kind: 'skipped'; reason: 'public-folder' | 'other-provider' }
    | { kind: 'refused' | 'failed'; code: string; message: string }
  );

export interface AdoptOptions {
  /** Null: all films. */
  documentIds: readonly string[] | null;
  isDryRun: boolean;
}

/** What a run of `storage release` says of one film. */
export type ReleaseEvent = OfFile &
  ({ kind: 'released'; url: string } | { kind: 'would-release' } | { kind: 'failed'; code: string; message: string });

export interface ReleaseOptions {
  /** Null: all films. */
  documentIds: readonly string[] | null;
  isDryRun: boolean;
  /** Also what a published video plays; it cannot be played then. */
  isForced: boolean;
}
