/** What a run of `import` says of one file. `name` is relative to the directory. */
export type ImportEvent =
  | { kind: 'imported'; name: string; assetId: string; key: string }
  /** Nothing was done: it would have been imported. */
  | { kind: 'would-import'; name: string; sizeBytes: number }
  /** A film of the same SHA-256 is there. */
  | { kind: 'known'; name: string; assetId: string }
  /** The film was there without an entry, as where an earlier run was cut off; now it has one. */
  | { kind: 'entry-added'; name: string; assetId: string }
  | { kind: 'skipped'; name: string; reason: 'hidden' | 'symbolic-link' | 'not-a-file' | 'not-a-film' }
  /** `refused`: it is no film that can be played. */
  | { kind: 'refused' | 'failed'; name: string; code: string; message: string };

export interface ImportOptions {
  /** Absolute. */
  directory: string;
  /** Names of the Media Library folders below which the tree of the directory is made. */
  folders: readonly string[];
  /** A second name of each file instead of a copy. */
  isByLink: boolean;
  isDryRun: boolean;
  entries: 'draft' | 'published' | 'none';
}
