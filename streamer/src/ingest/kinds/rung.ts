import { rm } from 'node:fs/promises';
import path from 'node:path';
import type { IngestReason, RungOrder } from '../../../../server/contracts';
import type { PictureEncoder } from '../encoders/encoder';
import { SOFTWARE } from '../encoders/software';
import { IngestError } from '../ingest-error';
import { shownSizeOf } from '../ladder/film-size';
import { hasAny, keepOnly, kept, keptName } from '../ladder/kept-files';
import { planByOwnCuts } from '../ladder/own-plan';
import { encodeChunk, pictureRecipe } from '../ladder/picture-chunk';
import { pictureFilters } from '../ladder/picture-filters';
import { type PlacedPart, writeRung } from '../ladder/rung-file';
import type { Chunk, RungPlan, SoundTrack } from '../ladder/rung-plan';
import { encodeSound, soundRecipe } from '../ladder/sound-track';
import { planBySource } from '../ladder/source-plan';
import { checkMadeLength, type KnownLength, lengthWithin } from '../ladder/unmeasured-film';
import { ALL_DECODERS, decodersOf, soundDecodersOf } from '../tools/film-input';
import { timesLeap } from '../tools/film-leaps';
import { type FilmProbe, pictureOf } from '../tools/film-probe';
import { checkPixels, type Maker, type Making } from './maker';

const MAX_SOUNDS = 8;
/** What a card's driver may be the cause of, and x264 may not meet. */
const ENCODER_FAULTS: ReadonlySet<IngestReason> = new Set([
  'tool-failed',
  'tool-timeout',
  'tool-memory',
  'tool-killed',
  'output-invalid',
]);
/** Of the whole, where there is a picture. */
const SOUND_SHARE = 0.1;

interface Planned {
  /** Where times leap, of a film whose times are mended. */
  making: Making;
  probe: FilmProbe;
  plan: RungPlan;
  /** Null: cut by cut it is the packager's word. */
  length: KnownLength | null;
}

const probed = ({ tools, film, scratch, signal }: Making): Promise<FilmProbe> =>
  tools.probe(film, ALL_DECODERS, { cwd: scratch.work, signal });

async function planOwn(given: Making, order: RungOrder, givenProbe: FilmProbe): Promise<Planned> {
  const length = await lengthWithin(given, givenProbe);
  const leaps = await timesLeap(given, pictureOf(givenProbe) !== null);
  const film = leaps ? { ...given.film, hasMendedTimes: true } : given.film;
  const making = { ...given, film, durationSeconds: length.seconds };
  const probe = leaps ? await probed(making) : givenProbe;
  const size = await shownSizeOf(film.path);
  const plan = await planByOwnCuts({ making, probe, size, shortSide: order.height });
  return { making, probe, plan, length };
}

async function planOf(making: Making, order: RungOrder): Promise<Planned> {
  const { film, maxPixels } = making;
  const probe = await probed(making);
  const picture = pictureOf(probe);
  if (picture !== null) checkPixels(picture, maxPixels);
  if (!order.followsSource) return planOwn(making, order, probe);
  if (picture === null) throw new IngestError('no-picture', 'there is sound alone');
  const soundCodecs = probe.filter(({ kind }) => kind === 'audio').map(({ codec }) => codec);
  const plan = await planBySource({ film, soundCodecs, pictureCodec: picture.codec, shortSide: order.height });
  return { making, probe, plan, length: null };
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

  async makeSounds(): Promise<(PlacedPart & SoundTrack)[]> {
    const { originSeconds } = this.plan;
    const sounds: (PlacedPart & SoundTrack)[] = [];
    for (const { sound, name } of this.#tracks()) {
      const file = await this.#sound(sound, name);
      sounds.push({ ...sound, file, startSeconds: sound.startSeconds - originSeconds });
    }
    return sounds;
  }

  async makePictures(encoder: PictureEncoder): Promise<PlacedPart[]> {
    const { originSeconds } = this.plan;
    const chunks = this.#chunks(encoder);
    const wanted = [...chunks, ...this.#tracks()].map(({ name }) => name);
    await keepOnly(this.making.scratch, new Set(wanted));
    const pictures: PlacedPart[] = [];
    for (const { chunk, name } of chunks) {
      const file = await this.#chunk(chunk, name, encoder);
      pictures.push({ file, startSeconds: chunk.startSeconds - originSeconds });
      this.making.progressed(SOUND_SHARE + (1 - SOUND_SHARE) * (pictures.length / (chunks.length + 1)));
    }
    return pictures;
  }

  /** What was begun with x264, by a worker that has nothing else or after a failure, is gone on with. */
  async encoder(): Promise<PictureEncoder> {
    const names = this.#chunks(SOFTWARE).map(({ name }) => name);
    return (await hasAny(this.making.scratch, names)) ? SOFTWARE : (this.making.card?.encoder ?? SOFTWARE);
  }

  #tracks() {
    return this.sounds.map((sound, index) => ({
      sound,
      name: keptName('sound', index + 1, soundRecipe(this.making.film, sound)),
    }));
  }

  #chunks(encoder: PictureEncoder) {
    const { making, filters, order } = this;
    return (this.plan.picture?.chunks ?? []).map((chunk, index) => {
      const recipe = pictureRecipe({ making, filters, order, encoder }, chunk);
      return { chunk, name: keptName('picture', index + 1, recipe) };
    });
  }

  #chunk(chunk: Chunk, name: string, encoder: PictureEncoder): Promise<string> {
    const { making, order, plan, filters } = this;
    const { picture, endSeconds } = plan;
    const decoders = decodersOf(picture?.codec ?? '');
    if (picture === null || decoders === null) {
      throw new IngestError('source-refused', `the codec ${picture?.codec} is not decoded here`);
    }
    const encoding = { making, decoders, filters, order, encoder, endSeconds };
    return kept(making.scratch, name, (file) => encodeChunk(encoding, chunk, file));
  }

  #sound(sound: SoundTrack, name: string): Promise<string> {
    const { making, plan } = this;
    const decoders = [...(soundDecodersOf(sound.codec) ?? []), ...(decodersOf(plan.picture?.codec ?? '') ?? [])];
    const { endSeconds } = plan;
    return kept(making.scratch, name, (file) => encodeSound({ making, decoders, endSeconds }, sound, file));
  }
}

/** Makes the file anew with x264 where hardware fails: all parts of one are coded alike. Resolves to its length in seconds. */
async function writeWhole(rung: RungMaking, { card, signal }: Making, file: string): Promise<number> {
  const sounds = await rung.makeSounds();
  const write = async (encoder: PictureEncoder) => {
    const pictures = await rung.makePictures(encoder);
    return writeRung({ pictures, sounds, signal }, file);
  };
  const encoder = await rung.encoder();
  try {
    const seconds = await write(encoder);
    if (encoder.hardware !== null) card?.succeeded();
    return seconds;
  } catch (error) {
    const isFault = error instanceof IngestError && ENCODER_FAULTS.has(error.reason);
    if (encoder.hardware === null || !isFault) throw error;
    await rm(file, { force: true });
    // Where x264 fails too, it is the film's fault.
    const seconds = await write(SOFTWARE);
    card?.failed(error);
    return seconds;
  }
}

/** A rendition of the film: H.264 and AAC, in chunks that outlast a worker, joined in the end. */
export function rungMaker(name: string): Maker {
  return async (given) => {
    const { rung: order, scratch } = given;
    if (order === undefined) throw new IngestError('worker-failed', 'the plugin did not say which rendition it wants');
    const { making, probe, plan, length } = await planOf(given, order);
    const filters = await filtersFor(making, plan, probe);
    const file = path.join(scratch.work, name);
    const seconds = await writeWhole(new RungMaking(making, order, plan, audible(plan.sounds), filters), making, file);
    if (length !== null) await checkMadeLength(making, length, seconds);
    return new Map([[name, file]]);
  };
}
