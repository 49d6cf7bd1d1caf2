import { type EncodedPacket, EncodedPacketSink, type InputTrack } from 'mediabunny';
import { PACKAGED_CODECS } from '../../../contracts';

/** What a demuxer finds in one track of a film. */
export interface SurveyedTrack {
  id: number;
  kind: 'video' | 'audio';
  /** In the demuxer's words; in the container's where it does not know it. */
  codec: string;
  /** Whether it can be cut into segments as it is. */
  isPackaged: boolean;
  /** Whether every browser can decode it. */
  playsEverywhere: boolean;
  language: string;
  /** As it is shown. */
  width?: number;
  height?: number;
  /** The longer side, as it is shown or as it is coded. */
  sidePixels: number;
  /** When the first of its packets is shown. */
  firstSeconds: number;
  endSeconds: number;
  /** Of a usual packet. */
  packetSeconds: number;
  packetsPerSecond: number;
  /** Its last packet, which the tables promise, is not in the file. */
  isCutOff: boolean;
}

const HEAD_PACKETS = 64;
/** As many as a codec may hold back to show pictures in another order than it decodes them (ITU-T H.264 and H.265 annex A). */
const REORDERED_PACKETS = 16;
const METADATA = { metadataOnly: true } as const;
const packaged: ReadonlySet<string> = new Set(PACKAGED_CODECS);
/** ITU-T H.264 annex A: Baseline, Main and High, with 8 bits and 4:2:0. */
const AVC_EVERYWHERE = /^avc[13]\.(42|4d|64)/i;
/** ISO/IEC 14496-3: AAC-LC, HE-AAC, HE-AAC v2. */
const AAC_EVERYWHERE = /^mp4a\.40\.(2|02|5|05|29)$/i;

interface Timing {
  firstSeconds: number;
  packetSeconds: number;
  packetsPerSecond: number;
}

async function headOf(sink: EncodedPacketSink): Promise<EncodedPacket[]> {
  const head: EncodedPacket[] = [];
  for await (const packet of sink.packets(undefined, undefined, METADATA)) {
    head.push(packet);
    if (head.length === HEAD_PACKETS) break;
  }
  return head;
}

function timingOf(head: readonly EncodedPacket[]): Timing {
  const times = head.map(({ timestamp }) => timestamp).sort((one, other) => one - other);
  const [first = 0] = times;
  // Of the last ones some are shown after packets that are not here.
  const settled = head.length < HEAD_PACKETS ? times : times.slice(0, -REORDERED_PACKETS);
  const spanned = (settled.at(-1) ?? 0) - first;
  // One picture has no rate. Several at one time have an endless one.
  const packetsPerSecond = settled.length < 2 ? 0 : (settled.length - 1) / spanned;
  const packetSeconds = settled.length < 2 ? (head[0]?.duration ?? 0) : spanned / (settled.length - 1);
  return { firstSeconds: first, packetSeconds, packetsPerSecond };
}

/** The codec's name in the container where the demuxer has none, as far as it is one. */
async function nameOf(track: InputTrack, codec: string | null): Promise<string> {
  const name = codec ?? (await track.getInternalCodecId());
  const text = typeof name === 'number' ? `0x${name.toString(16)}` : typeof name === 'string' ? name : '';
  return (
    text
      .replace(/[^\x20-\x7e]/g, '')
      .trim()
      .slice(0, 32) || 'unknown'
  );
}

/** MPEG-1 audio of layer I or II (ISO/IEC 11172-3 §2.4.2.3), which containers do not tell from MP3. */
async function isOldLayer(sink: EncodedPacketSink, codec: string | null): Promise<boolean> {
  if (codec !== 'mp3') return false;
  const [, second = 0] = (await sink.getFirstPacket())?.data ?? [];
  return (second & 0b110) !== 0b010;
}

async function sizeOf(track: InputTrack) {
  if (!track.isVideoTrack()) return { sidePixels: 0 };
  const [width, height] = [await track.getDisplayWidth(), await track.getDisplayHeight()];
  const coded = [await track.getCodedWidth(), await track.getCodedHeight()];
  return { width, height, sidePixels: Math.max(width, height, ...coded) };
}

/** Reads the head and the last packet of a track, and what describes it. Null: nothing lists a packet of it. */
export async function surveyTrack(track: InputTrack): Promise<SurveyedTrack | null> {
  const sink = new EncodedPacketSink(track);
  const head = await headOf(sink);
  if (head.length === 0) return null;
  const codec = await track.getCodec();
  const parameters = codec === null ? null : await track.getCodecParameterString();
  const isOld = await isOldLayer(sink, codec);
  const last = await sink.getPacket(Number.POSITIVE_INFINITY);
  return {
    id: track.id,
    kind: track.isVideoTrack() ? 'video' : 'audio',
    codec: isOld ? 'mp2' : await nameOf(track, codec),
    // Without its parameters no player knows whether to take it.
    isPackaged: codec !== null && packaged.has(codec) && parameters !== null && !isOld,
    playsEverywhere: AVC_EVERYWHERE.test(parameters ?? '') || AAC_EVERYWHERE.test(parameters ?? ''),
    language: await track.getLanguageCode(),
    ...(await sizeOf(track)),
    ...timingOf(head),
    endSeconds: last === null ? 0 : last.timestamp + last.duration,
    // A cut-off file still promises its full duration; only its last packet tells that bytes are missing.
    isCutOff: last === null || last.byteLength === 0,
  };
}
