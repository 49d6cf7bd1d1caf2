import { randomBytes } from 'node:crypto';
import type { Core } from '@strapi/strapi';
import {
  type DerivedFile,
  isEmbeddedText,
  MAX_TEXT_TRACKS,
  type TextProblem,
  type TextTrackEntry,
  type TextTrackFacts,
  textFileNameOf,
  textIdOf,
} from '../../../contracts';
import { VodError } from '../../errors';
import { requesterOf } from '../audit/requester';
import { getService } from '../get-service';
import { withoutDefault } from './default-text';
import { publishText } from './published-text';
import { createShelf } from './shelf';

/** Why a text was not taken; for the one who sent it. */
export class TextRefused extends Error {
  override readonly name = 'TextRefused';

  constructor(readonly problem: TextProblem) {
    super(problem.code);
  }
}

export interface TextTracksService {
  /** Of a film that is there; `[]` too where there is none. */
  list(assetId: string): Promise<TextTrackEntry[]>;
  /** Throws `TextRefused`, `asset-missing`, `storage-busy`. */
  add(assetId: string, facts: TextTrackFacts, bytes: Buffer): Promise<TextTrackEntry>;
  /** False: the film has no such track. Throws `asset-missing`, `storage-busy`. */
  remove(assetId: string, id: string): Promise<boolean>;
}

function entryOf({ name, sizeBytes, text }: DerivedFile): TextTrackEntry[] {
  const id = textIdOf(name);
  return id === null || text === undefined ? [] : [{ ...text, id, sizeBytes, isEmbedded: isEmbeddedText(id) }];
}

function merge(known: readonly DerivedFile[], file: DerivedFile): DerivedFile[] {
  if (known.flatMap(entryOf).length >= MAX_TEXT_TRACKS) {
    throw new TextRefused({ code: 'text-too-many-tracks', line: null });
  }
  return [...(file.text?.default ? withoutDefault(known, file.text) : known), file];
}

/** Text tracks of stored films: uploaded ones come and go here, embedded ones come with the film and may go here. */
export function createTextTracksService({ strapi }: { strapi: Core.Strapi }): TextTracksService {
  const shelf = createShelf(strapi);

  function tell(asset: string, reason: 'text-added' | 'text-removed'): void {
    getService(strapi, 'audit').record({ kind: 'text-track', origin: requesterOf(strapi), asset, reason });
  }

  return {
    async list(assetId) {
      const asset = await getService(strapi, 'asset').findById(assetId);
      return asset?.state === 'ready' ? (asset.derived ?? []).flatMap(entryOf) : [];
    },
    async add(assetId, facts, bytes) {
      const published = publishText(bytes, facts.kind);
      if ('problem' in published) throw new TextRefused(published.problem);
      const name = textFileNameOf(randomBytes(4).toString('hex'));
      const [entry] = entryOf(await shelf.put(assetId, { name, bytes: published.webVtt, text: facts }, merge));
      if (!entry) throw new VodError('text-lost', 'A text track was stored under a name that is none.');
      tell(assetId, 'text-added');
      return entry;
    },
    async remove(assetId, id) {
      const removed = await shelf.remove(assetId, textFileNameOf(id));
      if (removed !== null) tell(assetId, 'text-removed');
      return removed !== null;
    },
  };
}
