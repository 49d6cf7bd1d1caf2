import { ADTS, FLAC, Input, type InputTrack, MATROSKA, MP3, MP4, MPEG_TS, OGG, QTFF, WAVE, WEBM } from 'mediabunny';
import type { Judgement } from '../../../contracts';
import { foreignContainer, isReadableContainer, oldQuickTime } from './containers';
import { type ContentSniff, describeContent, sniffContent } from './content-sniff';
import { type FilmFile, openFilmFile } from './film-file';
import { isFilmType } from './film-kind';
import type { InspectionLimits } from './inspection-config';
import { judgement, judgeTracks } from './judgement';
import { maxReadBytes, TooComplex } from './limits';
import { readMovie } from './movie';
import type { Movie } from './movie-tables';
import { beyond, type FilmRefusal, refusal } from './refusal';
import { type SurveyedTrack, surveyTrack } from './survey';
import { type UnreadStream, unreadStreams } from './transport-stream';

export interface FilmTrack {
  kind: 'video' | 'audio';
  codec: string;
  /** BCP 47 or ISO 639-2; `und` if the file does not say. */
  language: string;
  /** Absent: of sound, and of a picture that could not be read. */
  width?: number;
  height?: number;
}

export interface Film {
  mime: string;
  /** 0: not known before it is transcoded. */
  durationSeconds: number;
  tracks: FilmTrack[];
}

export type FilmInspection = { film: Film; judgement: Judgement } | { refusal: FilmRefusal };

/** A film on the way to its judgement. */
interface Inspected {
  file: FilmFile;
  /** Only goes into the sentence. */
  fileName: string;
  limits: InspectionLimits;
}

/** Plain containers only: a format that names other files (HLS) would make the server read them. */
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS, MP3, WAVE, OGG, FLAC, ADTS];
/** Headers round, and the last cue or silence may be left out: only more than both of these is a cut. */
const MISSING_SECONDS = 2;
const MISSING_SHARE = 0.02;
/** Two hours that are not interleaved. Each of them makes finding another one slower. */
const MAX_CHUNK_SAMPLES = 400_000;
/** ISO/IEC 23001-7 §4, and Apple's older one. */
const ENCRYPTED_FORMATS = new Set(['encv', 'enca', 'drmi', 'drms']);

function describeTrack({ kind, codec, language, width, height }: SurveyedTrack): FilmTrack {
  const size = width === undefined || height === undefined ? {} : { width, height };
  return { kind, codec, language, ...size };
}

/** Whether the file breaks off before what it promises: Matroska yields the clusters that are there, whatever its header says. */
async function breaksOff(input: Input, tracks: InputTrack[]): Promise<boolean> {
  const actual = await input.computeDuration(tracks);
  const promised = (await input.getDurationFromMetadata(tracks)) ?? actual;
  return promised - actual > Math.max(MISSING_SECONDS, promised * MISSING_SHARE);
}

/** Sound before 0 is encoder delay. */
const startOf = ({ firstSeconds }: SurveyedTrack): number => Math.max(0, firstSeconds);

/** As players count: a transport stream may begin at any time. */
function secondsOf(tracks: readonly SurveyedTrack[]): number {
  if (tracks.length === 0) return 0;
  const end = Math.max(...tracks.map(({ endSeconds }) => endSeconds));
  return end - Math.min(...tracks.map(startOf));
}

/** What the tables promise, before a parser believes them. */
function refuseTables({ tracks }: Movie, { limits, fileName }: Inspected): FilmRefusal | null {
  const tooManyTracks = beyond(limits, 'maxTracks', tracks.length, fileName);
  if (tooManyTracks) return tooManyTracks;
  const samples = Math.max(0, ...tracks.map((track) => track.samples));
  const tooManySamples = beyond(limits, 'maxSamples', samples, fileName);
  if (tooManySamples) return tooManySamples;
  if (tracks.some(({ chunkSamples }) => chunkSamples > MAX_CHUNK_SAMPLES))
    throw new TooComplex('A chunk is too large.');
  const isEncrypted = tracks.some(({ formats }) => formats.some((format) => ENCRYPTED_FORMATS.has(format)));
  return isEncrypted ? refusal('film-is-encrypted', fileName) : null;
}

function refuseTrack(track: SurveyedTrack, { limits, fileName }: Inspected): FilmRefusal | null {
  if (track.isCutOff) return refusal('film-is-incomplete', fileName);
  const { kind, sidePixels, packetsPerSecond } = track;
  const seconds = track.endSeconds - startOf(track);
  const samples = Number.isFinite(packetsPerSecond) ? Math.ceil(packetsPerSecond * seconds) : 0;
  return (
    beyond(limits, 'maxSidePixels', sidePixels, fileName) ??
    beyond(limits, 'maxDurationSeconds', seconds, fileName) ??
    (kind === 'video' ? beyond(limits, 'maxFrameRate', packetsPerSecond, fileName) : null) ??
    beyond(limits, 'maxSamples', samples, fileName)
  );
}

/** What is beside the tracks that a demuxer lists. */
interface Surroundings {
  movie: Movie | null;
  unread: UnreadStream[];
}

/** Surveys them all; sound tracks that were made and never written to do no harm. */
async function surveyAll(all: InputTrack[], inspected: Inspected): Promise<SurveyedTrack[] | FilmRefusal> {
  const tracks: SurveyedTrack[] = [];
  for (const track of all) {
    const surveyed = await surveyTrack(track);
    if (surveyed === null && track.isAudioTrack()) continue;
    const refused = surveyed ? refuseTrack(surveyed, inspected) : refusal('film-is-incomplete', inspected.fileName);
    if (refused) return refused;
    if (surveyed) tracks.push(surveyed);
  }
  return tracks;
}

/** Streams of a kind of which no track could be read. */
function unreadTracks(tracks: readonly SurveyedTrack[], unread: readonly UnreadStream[]): FilmTrack[] {
  const missing = unread.filter((stream) => !tracks.some(({ kind }) => kind === stream.kind));
  return missing.map(({ kind, codec }) => ({ kind, codec, language: 'und' }));
}

async function inspectTracks(input: Input, beside: Surroundings, inspected: Inspected): Promise<FilmInspection> {
  const { limits, fileName } = inspected;
  const all = await input.getTracks();
  const tooMany = beyond(limits, 'maxTracks', all.length, fileName);
  if (tooMany) return { refusal: tooMany };
  const tracks = await surveyAll(all, inspected);
  if ('code' in tracks) return { refusal: tracks };
  const durationSeconds = secondsOf(tracks);
  const isOpenEnded = beside.movie?.tracks.some((track) => track.isOpenEnded) ?? false;
  // Without tracks, what describes them lay in the part of the file that is missing.
  const isWhole = tracks.length > 0 ? durationSeconds > 0 : beside.unread.length > 0;
  const isPromised = tracks.length > 0 && !isOpenEnded;
  if (!isWhole || (isPromised && (await breaksOff(input, all)))) {
    return { refusal: refusal('film-is-incomplete', fileName) };
  }
  const mime = (await input.getMimeType()).split(';', 1)[0]?.trim().toLowerCase() ?? 'video/mp4';
  const film = {
    mime,
    durationSeconds,
    tracks: [...tracks.map(describeTrack), ...unreadTracks(tracks, beside.unread)],
  };
  return { film, judgement: judgeTracks({ tracks, ...beside }, fileName) };
}

async function inspectContainer(input: Input, inspected: Inspected): Promise<FilmInspection> {
  const format = await input.getFormat();
  if (format === MPEG_TS) {
    return inspectTracks(input, { movie: null, unread: await unreadStreams(inspected.file) }, inspected);
  }
  if (format !== MP4 && format !== QTFF) return inspectTracks(input, { movie: null, unread: [] }, inspected);
  const movie = await readMovie(inspected.file);
  if (movie === null) return { refusal: refusal('film-is-incomplete', inspected.fileName) };
  const refused = refuseTables(movie, inspected);
  return refused ? { refusal: refused } : inspectTracks(input, { movie, unread: [] }, inspected);
}

function withTimeout<T>(work: Promise<T>, seconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TooComplex('The inspection took too long.')), seconds * 1000);
  });
  return Promise.race([work, expired]).finally(() => clearTimeout(timer));
}

/** Nothing of it is known but its container. */
function needsTranscode({ name, mime }: { name: string; mime: string }, fileName: string): FilmInspection {
  const film = { mime, durationSeconds: 0, tracks: [] };
  return { film, judgement: judgement('container-needs-transcode', fileName, name) };
}

/** A container that breaks off where the reader expects more makes it throw or not recognise the format. */
function refuseUnreadable(sniff: ContentSniff, fileName: string): FilmRefusal {
  if (sniff.mime === undefined || !isFilmType(sniff.mime)) {
    return refusal('film-is-not-a-film', fileName, describeContent(sniff));
  }
  if (isReadableContainer(sniff.mime)) return refusal('film-is-incomplete', fileName);
  return refusal('film-has-unknown-format', fileName, sniff.mime);
}

function refuseByHead(sniff: ContentSniff, { file, fileName }: Inspected): FilmRefusal | null {
  if (file.sizeBytes === 0) return refusal('film-is-empty', fileName);
  if (sniff.isPlaylist) return refusal('film-is-playlist', fileName);
  if (sniff.isText) return refusal('film-is-not-a-film', fileName, describeContent(sniff));
  return sniff.mime?.startsWith('image/') ? refuseUnreadable(sniff, fileName) : null;
}

async function inspectFile(inspected: Inspected): Promise<FilmInspection> {
  const { file, fileName, limits } = inspected;
  const sniff = await sniffContent(await file.head());
  const refused = refuseByHead(sniff, inspected);
  if (refused) return { refusal: refused };
  const foreign = foreignContainer(sniff.mime);
  if (foreign) return needsTranscode(foreign, fileName);
  const input = new Input({ source: file.source(), formats: CONTAINERS });
  const inspect = async (): Promise<FilmInspection> => {
    if (await input.canRead()) return inspectContainer(input, inspected);
    const old = oldQuickTime(sniff.mime);
    return old ? needsTranscode(old, fileName) : { refusal: refuseUnreadable(sniff, fileName) };
  };
  try {
    return await withTimeout(inspect(), limits.timeoutSeconds);
  } catch (error) {
    if (error instanceof TooComplex) return { refusal: refusal('film-is-too-complex', fileName) };
    // What a parser throws on hostile bytes says nothing that an editor could use.
    return { refusal: refuseUnreadable(sniff, fileName) };
  } finally {
    input.dispose();
  }
}

/**
 * Looks into a complete file: is it a film, and can it be packaged exactly? Reads the tables and a few packets, whatever
 * the size. Never throws for bad content; throws what the file system throws. `fileName` only goes into the sentence.
 */
export async function inspectFilm(path: string, fileName: string, limits: InspectionLimits): Promise<FilmInspection> {
  const file = await openFilmFile(path, maxReadBytes(limits));
  try {
    return await inspectFile({ file, fileName, limits });
  } finally {
    await file.close();
  }
}
