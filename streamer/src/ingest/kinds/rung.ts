import path from 'node:path';
import type { RungOrder } from '../../../../server/contracts';
import { IngestError } from '../ingest-error';
import { shownSizeOf } from '../ladder/film-size';
import { keepOnly, kept, keptName } from '../ladder/kept-files';
import { planByOwnCuts } from '../ladder/own-plan';
import { encodeChunk, pictureRecipe } from '../ladder/picture-chunk';
import { pictureFilters } from '../ladder/picture-filters';
import { type PlacedPart, writeRung } from '../ladder/rung-file';
import type { RungPlan, SoundTrack } from '../ladder/rung-plan';
import { encodeSound, soundRecipe } from '../ladder/sound-track';
import { planBySource } from '../ladder/source-plan';
import { secondsWithin } from '../ladder/unmeasured-film';
import { ALL_DECODERS, decodersOf, soundDecodersOf } from '../tools/film-input';
import { type FilmProbe, pictureOf } from '../tools/film-probe';
import { checkPixels, type Maker, type Making } from './maker';

const MAX_SOUNDS = 8;
/** Of the whole, where there is a picture. */
const SOUND_SHARE = 0.1;

async function planOf(making: Making, order: RungOrder, probe: FilmProbe): Promise<RungPlan> {
  const { film, maxPixels } = making;
  const picture = pictureOf(probe);
  if (picture !== null) checkPixels(picture, maxPixels);
  if (!order.followsSource) {
    const durationSeconds = await secondsWithin(making, probe);
    const size = await shownSizeOf(film.path);
    return planByOwnCuts({ making: { ...making, durationSeconds }, probe, size, shortSide: order.height });
  }
  if (picture === null) throw new IngestError('no-picture', 'there is sound alone');
  const soundCodecs = probe.filter(({ kind }) => kind === 'audio').map(({ codec }) => codec);
  return planBySource({ film, soundCodecs, pictureCodec: picture.codec, shortSide: order.height });
}

/** Those that may be decoded here. A film is not made mute: throws `source-refused` where that is none of several. */
function audible(sounds: readonly SoundTrack[]): SoundTrack[] {
  const decoded = sounds.filter(({ codec }) => soundDecodersOf(codec) !== null).slice(0, MAX_SOUNDS);
  if (decoded.length > 0 || sounds.length === 0) return decoded;
  throw new IngestError('source-refused', `the codec ${sounds[0]?.codec} is not decoded here`);
}

async function filtersFor(making: Making, { picture }: RungPlan, probe: FilmProbe): Promise<readonly string[]> {
  if (picture === null) return [];
  const lines = pictureOf(probe)?.height ?? 0;
  return pictureFilters(making, { decoders: decodersOf(picture.codec) ?? [], size: picture.size, lines });
}

/** One attempt: what is finished already, by this or an earlier one, is not made again. */
class RungMaking {
  constructor(
    private readonly making: Making,
    private readonly order: RungOrder,
    private readonly plan: RungPlan,
    private readonly sounds: readonly SoundTrack[],
    private readonly filters: readonly string[],
  ) {}

  async makeParts() {
    const { picture, originSeconds } = this.plan;
    const chunks = (picture?.chunks ?? []).map((chunk, index) => {
      const recipe = pictureRecipe({ filters: this.filters, order: this.order }, chunk);
      return { chunk, name: keptName('picture', index + 1, recipe) };
    });
    const tracks = this.sounds.map((sound, index) => ({
      sound,
      name: keptName('sound', index + 1, soundRecipe(sound)),
    }));
    await keepOnly(this.making.scratch, new Set([...chunks, ...tracks].map(({ name }) => name)));
    const sounds: (PlacedPart & SoundTrack)[] = [];
    for (const { sound, name } of tracks) {
      const file = await this.#sound(sound, name);
      sounds.push({ ...sound, file, startSeconds: sound.startSeconds - originSeconds });
    }
    const pictures: PlacedPart[] = [];
    for (const { chunk, name } of chunks) {
      const file = await this.#chunk(chunk, name);
      pictures.push({ file, startSeconds: chunk.startSeconds - originSeconds });
      this.making.progressed(SOUND_SHARE + (1 - SOUND_SHARE) * (pictures.length / (chunks.length + 1)));
    }
    return { pictures, sounds, signal: this.making.signal };
  }

  #chunk(chunk: NonNullable<RungPlan['picture']>['chunks'][number], name: string): Promise<string> {
    const { making, order, plan, filters } = this;
    const { picture, endSeconds } = plan;
    const decoders = decodersOf(picture?.codec ?? '');
    if (picture === null || decoders === null) {
      throw new IngestError('source-refused', `the codec ${picture?.codec} is not decoded here`);
    }
    const encoding = { making, decoders, filters, order, endSeconds };
    return kept(making.scratch, name, (file) => encodeChunk(encoding, chunk, file));
  }

  #sound(sound: SoundTrack, name: string): Promise<string> {
    const { making, plan } = this;
    const decoders = [...(soundDecodersOf(sound.codec) ?? []), ...(decodersOf(plan.picture?.codec ?? '') ?? [])];
    const { endSeconds } = plan;
    return kept(making.scratch, name, (file) => encodeSound({ making, decoders, endSeconds }, sound, file));
  }
}

/** A rendition of the film: H.264 and AAC, in chunks that outlast a worker, joined in the end. */
export function rungMaker(name: string): Maker {
  return async (making) => {
    const { rung: order, film, tools, scratch, signal } = making;
    if (order === undefined) throw new IngestError('worker-failed', 'the plugin did not say which rendition it wants');
    const probe = await tools.probe(film, ALL_DECODERS, { cwd: scratch.work, signal });
    const plan = await planOf(making, order, probe);
    const filters = await filtersFor(making, plan, probe);
    const parts = await new RungMaking(making, order, plan, audible(plan.sounds), filters).makeParts();
    const file = path.join(scratch.work, name);
    await writeRung(parts, file);
    return new Map([[name, file]]);
  };
}
