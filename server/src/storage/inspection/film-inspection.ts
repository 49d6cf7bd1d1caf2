import { open } from 'node:fs/promises';
import {
  ADTS,
  CmafOutputFormat,
  EncodedPacketSink,
  FilePathSource,
  FLAC,
  Input,
  type InputTrack,
  MATROSKA,
  MP3,
  MP4,
  MPEG_TS,
  OGG,
  QTFF,
  WAVE,
  WEBM,
} from 'mediabunny';
import { type ContentSniff, describeContent, SNIFF_BYTES, sniffContent } from './content-sniff';
import { isFilmType } from './film-kind';
import { type FilmRefusal, refusal } from './refusal';

export interface FilmTrack {
  kind: 'video' | 'audio';
  codec: string;
  /** BCP 47 or ISO 639-2; `und` if the file does not say. */
  language: string;
  width?: number;
  height?: number;
}

export interface Film {
  mime: string;
  durationSeconds: number;
  tracks: FilmTrack[];
}

export type FilmInspection = { film: Film } | { refusal: FilmRefusal };

/** Plain containers only: a format that names other files (HLS) would make the server read them. */
const CONTAINERS = [MP4, QTFF, MATROSKA, WEBM, MPEG_TS, MP3, WAVE, OGG, FLAC, ADTS];
const MAX_TRACKS = 32;
const TIMEOUT_MS = 20_000;
/** What `file-type` calls the formats in `CONTAINERS`. */
const READABLE_TYPES = new Set([
  ...['video/mp4', 'video/x-m4v', 'audio/mp4', 'audio/x-m4a', 'video/quicktime', 'video/3gpp', 'video/3gpp2'],
  ...['video/matroska', 'video/x-matroska', 'audio/x-matroska', 'video/webm', 'audio/webm', 'video/mp2t'],
  ...['audio/mpeg', 'audio/wav', 'audio/ogg', 'video/ogg', 'application/ogg', 'audio/flac', 'audio/aac'],
]);
/** Headers round, and the last cue or silence may be left out: only more than both of these is a cut. */
const MISSING_SECONDS = 2;
const MISSING_SHARE = 0.02;
/** Less than half a frame at 120 per second: rounding of time scales, not a cut. */
const LEAD_IN_TOLERANCE_SECONDS = 0.004;

async function sniffFile(path: string): Promise<ContentSniff & { isEmpty: boolean }> {
  const handle = await open(path, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(SNIFF_BYTES), 0, SNIFF_BYTES, 0);
    return { ...(await sniffContent(buffer.subarray(0, bytesRead))), isEmpty: bytesRead === 0 };
  } finally {
    await handle.close();
  }
}

async function isPlayable(track: InputTrack): Promise<boolean> {
  const codec = await track.getCodec();
  return codec !== null && new CmafOutputFormat().getSupportedCodecs().includes(codec);
}

async function describeTrack(track: InputTrack): Promise<FilmTrack> {
  const shared = { codec: (await track.getCodec()) ?? 'unknown', language: await track.getLanguageCode() };
  if (!track.isVideoTrack()) return { kind: 'audio', ...shared };
  return {
    kind: 'video',
    ...shared,
    width: await track.getDisplayWidth(),
    height: await track.getDisplayHeight(),
  };
}

/** A cut-off file still promises its full duration; only its last packet tells that bytes are missing. */
async function isCutOff(track: InputTrack): Promise<boolean> {
  const last = await new EncodedPacketSink(track).getPacket(Number.POSITIVE_INFINITY);
  return last === null || last.byteLength === 0;
}

async function refuseTracks(tracks: InputTrack[], fileName: string): Promise<FilmRefusal | null> {
  for (const track of tracks) {
    if (await isCutOff(track)) return refusal('film-is-incomplete', fileName);
    // Players that ignore edit lists, and segments cut from the file, would show what the editor trimmed away.
    if (track.isVideoTrack() && (await track.getFirstTimestamp()) < -LEAD_IN_TOLERANCE_SECONDS) {
      return refusal('film-has-hidden-lead-in', fileName);
    }
  }
  return null;
}

async function refuseUnplayable(tracks: InputTrack[], fileName: string): Promise<FilmRefusal> {
  if (tracks.length === 0) return refusal('film-is-incomplete', fileName);
  const codecs = await Promise.all(tracks.map(async (track) => (await track.getCodec()) ?? 'unknown'));
  return refusal('film-has-no-playable-track', fileName, codecs.join(', '));
}

/** Seconds that there is data for, or null if the file breaks off before it. */
async function measureDuration(input: Input, tracks: InputTrack[]): Promise<number | null> {
  const actual = await input.computeDuration(tracks);
  if (!(actual > 0) || !Number.isFinite(actual)) return null;
  // Matroska yields the clusters that are there, however many its header promises.
  const promised = (await input.getDurationFromMetadata(tracks)) ?? actual;
  return promised - actual > Math.max(MISSING_SECONDS, promised * MISSING_SHARE) ? null : actual;
}

async function inspectContainer(input: Input, fileName: string): Promise<FilmInspection> {
  const all = await input.getTracks();
  if (all.length > MAX_TRACKS) return { refusal: refusal('film-is-too-complex', fileName) };
  const playable: InputTrack[] = [];
  for (const track of all) if (await isPlayable(track)) playable.push(track);
  if (playable.length === 0) return { refusal: await refuseUnplayable(all, fileName) };
  const refused = await refuseTracks(playable, fileName);
  if (refused) return { refusal: refused };
  const durationSeconds = await measureDuration(input, playable);
  if (durationSeconds === null) return { refusal: refusal('film-is-incomplete', fileName) };
  const mime = (await input.getMimeType()).split(';', 1)[0]?.trim().toLowerCase() ?? 'video/mp4';
  return { film: { mime, durationSeconds, tracks: await Promise.all(playable.map(describeTrack)) } };
}

function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Film inspection took too long.')), TIMEOUT_MS);
  });
  return Promise.race([work, expired]).finally(() => clearTimeout(timer));
}

/** A container that breaks off where the reader expects more makes it throw or not recognise the format. */
function refuseUnreadable(sniff: ContentSniff, fileName: string): FilmRefusal {
  if (sniff.mime === undefined || !isFilmType(sniff.mime)) {
    return refusal('film-is-not-a-film', fileName, describeContent(sniff));
  }
  if (READABLE_TYPES.has(sniff.mime)) return refusal('film-is-incomplete', fileName);
  return refusal('film-has-unknown-format', fileName, sniff.mime);
}

/**
 * Looks into a complete file: is it a film that can be packaged exactly? Reads a few hundred kilobytes whatever the
 * size. Never throws for bad content; throws what the file system throws. `fileName` only goes into the sentence.
 */
export async function inspectFilm(path: string, fileName: string): Promise<FilmInspection> {
  const sniff = await sniffFile(path);
  if (sniff.isEmpty) return { refusal: refusal('film-is-empty', fileName) };
  if (sniff.isPlaylist) return { refusal: refusal('film-is-playlist', fileName) };
  if (sniff.isText) return { refusal: refusal('film-is-not-a-film', fileName, describeContent(sniff)) };
  if (sniff.mime?.startsWith('image/')) return { refusal: refuseUnreadable(sniff, fileName) };
  const input = new Input({ source: new FilePathSource(path), formats: CONTAINERS });
  try {
    return await withTimeout(
      input
        .canRead()
        .then((readable) =>
          readable ? inspectContainer(input, fileName) : { refusal: refuseUnreadable(sniff, fileName) },
        ),
    );
  } catch {
    // What a parser throws on hostile bytes says nothing that an editor could use.
    return { refusal: refuseUnreadable(sniff, fileName) };
  } finally {
    input.dispose();
  }
}
