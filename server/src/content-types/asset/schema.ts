import { ASSET_STATES, VERDICTS } from '../../../contracts';
import { HIDDEN } from '../hidden';

/** One stored source. Its `documentId` is the asset id; the bytes lie at `storageKey` below the storage root. */
export const assetSchema = {
  kind: 'collectionType',
  collectionName: 'protected_vod_assets',
  info: { singularName: 'asset', pluralName: 'assets', displayName: 'Asset' },
  options: { draftAndPublish: false },
  pluginOptions: HIDDEN,
  attributes: {
    storageKey: { type: 'string', required: true },
    fileName: { type: 'string', required: true },
    mime: { type: 'string', required: true },
    sizeBytes: { type: 'biginteger', required: true },
    sha256: { type: 'string', required: true },
    contentVersion: { type: 'string', required: true },
    durationSeconds: { type: 'float', required: true },
    tracks: { type: 'json' },
    /** What was made of it (`derivedFileSchema`); each write raises the revision, and is void if another came before. */
    derived: { type: 'json' },
    /** Names of embedded text tracks that an editor took away: no job brings them back. Written with `derived`. */
    removedTexts: { type: 'json' },
    derivedRevision: { type: 'integer', default: 0 },
    /** Whether the source may be delivered as it is, why, and what editors are told. Null: not judged yet. */
    verdict: { type: 'enumeration', enum: VERDICTS },
    verdictReason: { type: 'string' },
    verdictSentence: { type: 'text' },
    /**
     * `ready`: the bytes are in the library. `replaced`: they still are, for those who watch; nobody begins, and they go to
     * the trash when the last session ends. `trashed`: they lie at `trashKey`.
     */
    state: { type: 'enumeration', enum: ASSET_STATES, default: 'ready', required: true },
    reason: { type: 'string' },
    /** Of one that is `replaced`: where it is about to be put. */
    trashKey: { type: 'string' },
    /** The asset that its Media Library file stands for now; while `ready`, that it is about to. */
    replacedBy: { type: 'string' },
    /** `documentId` of that file. */
    replacedIn: { type: 'string' },
    /** Where a migration is about to put the film; the row stays true until `storageKey` says so. */
    movingTo: { type: 'string' },
    /** Where it lay before: the name stays until no streamer can hold it any more. */
    movedFrom: { type: 'string' },
  },
  indexes: [
    { type: 'unique', name: 'pvod_asset_key', columns: ['storage_key'] },
    { name: 'pvod_asset_state', columns: ['state'] },
    { name: 'pvod_asset_verdict', columns: ['verdict'] },
    { name: 'pvod_asset_target', columns: ['moving_to'] },
    { name: 'pvod_asset_former', columns: ['moved_from'] },
  ],
} as const;
