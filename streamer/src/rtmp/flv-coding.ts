import type { StreamOutline, StreamPacket, StreamTrack } from '../packager/packet-run';
import { AUDIO, DATA, encodeAmf, type FlvMessage, VIDEO } from './nms';

/** How the bodies of one track's messages are written; null: FLV has no way to carry the codec. */
interface TrackCoding {
  /** What the script tag calls the codec. */
  id: number;
  header: Buffer | null;
  body(packet: StreamPacket): Buffer;
}

/** From packets to the messages that FLV and RTMP share. */
export interface FlvCoding {
  has: { audio: boolean; video: boolean };
  /** What a decoder needs before the first packet, stamped with its time. */
  prologue(timestampMs: number): FlvMessage[];
  message(packet: StreamPacket): FlvMessage;
}

const AVC = 7;
const AAC = 10;
const MP3 = 2;
const KEY_FRAME = 1;
const INTER_FRAME = 2;
/** AAC says its real form in its configuration; this byte is fixed (FLV v10.1 §E.4.2.1). */
const AAC_TAG = 0xaf;

// Enhanced RTMP v2: packet types behind the FourCC of a codec that FLV itself does not know.
const EX_VIDEO = 0x80;
const EX_AUDIO = 0x90;
const SEQUENCE_START = 0;
const CODED_FRAMES = 1;
const CODED_FRAMES_X = 3;

function frameType({ key }: StreamPacket): number {
  return (key ? KEY_FRAME : INTER_FRAME) << 4;
}

function compositionTime({ ptsMs, dtsMs }: StreamPacket): [number, number, number] {
  const offset = ptsMs - dtsMs;
  return [(offset >> 16) & 0xff, (offset >> 8) & 0xff, offset & 0xff];
}

function prefixed(bytes: readonly number[], rest: Buffer): Buffer {
  const body = Buffer.allocUnsafe(bytes.length + rest.length);
  body.set(bytes);
  rest.copy(body, bytes.length);
  return body;
}

function avcCoding(description: Buffer): TrackCoding {
  return {
    id: AVC,
    header: prefixed([(KEY_FRAME << 4) | AVC, 0, 0, 0, 0], description),
    body: (packet) => prefixed([frameType(packet) | AVC, 1, ...compositionTime(packet)], packet.data),
  };
}

function fourCcBytes(fourCc: string): number[] {
  return [...Buffer.from(fourCc, 'latin1')];
}

function fourCcNumber(fourCc: string): number {
  return Buffer.from(fourCc, 'latin1').readUInt32BE();
}

function hevcCoding(description: Buffer): TrackCoding {
  const codec = fourCcBytes('hvc1');
  const start = [EX_VIDEO | (KEY_FRAME << 4) | SEQUENCE_START, ...codec];
  return {
    id: fourCcNumber('hvc1'),
    header: prefixed(start, description),
    body(packet) {
      const first = EX_VIDEO | frameType(packet);
      // Without an offset the three bytes of it are left out.
      if (packet.ptsMs === packet.dtsMs) return prefixed([first | CODED_FRAMES_X, ...codec], packet.data);
      return prefixed([first | CODED_FRAMES, ...codec, ...compositionTime(packet)], packet.data);
    },
  };
}

/** Codecs that are decoded in the order in which they are shown. */
function orderedVideoCoding(fourCc: string, description: Buffer | null): TrackCoding {
  const codec = fourCcBytes(fourCc);
  const start = [EX_VIDEO | (KEY_FRAME << 4) | SEQUENCE_START, ...codec];
  return {
    id: fourCcNumber(fourCc),
    header: description === null ? null : prefixed(start, description),
    body: (packet) => prefixed([EX_VIDEO | frameType(packet) | CODED_FRAMES, ...codec], packet.data),
  };
}

function opusCoding(description: Buffer | null): TrackCoding {
  const codec = fourCcBytes('Opus');
  return {
    id: fourCcNumber('Opus'),
    header: description === null ? null : prefixed([EX_AUDIO | SEQUENCE_START, ...codec], description),
    body: (packet) => prefixed([EX_AUDIO | CODED_FRAMES, ...codec], packet.data),
  };
}

/** Two bits of rate, one of size, one of channels; decoders believe the frames (FLV v10.1 §E.4.2.1). */
function mp3Coding(sampleRate: number, channels: number): TrackCoding {
  const rate = sampleRate >= 44_100 ? 3 : sampleRate >= 22_050 ? 2 : 1;
  const first = (MP3 << 4) | (rate << 2) | 0b10 | (channels > 1 ? 1 : 0);
  return { id: MP3, header: null, body: ({ data }) => prefixed([first], data) };
}

function videoCoding({ codec, description }: StreamTrack): TrackCoding | null {
  if (codec === 'avc' && description !== null) return avcCoding(description);
  if (codec === 'hevc' && description !== null) return hevcCoding(description);
  if (codec === 'av1') return orderedVideoCoding('av01', description);
  if (codec === 'vp9') return orderedVideoCoding('vp09', description);
  return null;
}

function audioCoding({ codec, description, sampleRate, channels }: NonNullable<StreamOutline['audio']>) {
  if (codec === 'aac' && description !== null) {
    return {
      id: AAC,
      header: prefixed([AAC_TAG, 0], description),
      body: ({ data }: StreamPacket) => prefixed([AAC_TAG, 1], data),
    };
  }
  if (codec === 'mp3') return mp3Coding(sampleRate, channels);
  if (codec === 'opus') return opusCoding(description);
  return null;
}

function describe({ durationMs, video, audio }: StreamOutline, ids: { video?: number; audio?: number }): Buffer {
  const picture = video && { width: video.width, height: video.height, framerate: video.frameRate };
  const sound = audio && {
    audiosamplerate: audio.sampleRate,
    audiochannels: audio.channels,
    stereo: audio.channels > 1,
  };
  const codecs = {
    ...(ids.video !== undefined && { videocodecid: ids.video }),
    ...(ids.audio !== undefined && { audiocodecid: ids.audio }),
  };
  return encodeAmf(['onMetaData', { duration: durationMs / 1000, ...picture, ...sound, ...codecs }]);
}

/** Null: FLV cannot carry the film, or it has neither picture nor sound. */
export function createFlvCoding(outline: StreamOutline): FlvCoding | null {
  const video = outline.video && videoCoding(outline.video);
  const audio = outline.audio && audioCoding(outline.audio);
  if (!video !== !outline.video || !audio !== !outline.audio || !(video || audio)) return null;
  const metadata = describe(outline, { ...(video && { video: video.id }), ...(audio && { audio: audio.id }) });
  return {
    has: { audio: audio !== null, video: video !== null },
    prologue(timestampMs) {
      const messages: FlvMessage[] = [{ type: DATA, timestampMs, body: metadata }];
      if (video?.header) messages.push({ type: VIDEO, timestampMs, body: video.header });
      if (audio?.header) messages.push({ type: AUDIO, timestampMs, body: audio.header });
      return messages;
    },
    message(packet) {
      const coding = packet.kind === 'video' ? video : audio;
      if (!coding) throw new Error(`a ${packet.kind} packet that the outline does not know`);
      return {
        type: packet.kind === 'video' ? VIDEO : AUDIO,
        timestampMs: packet.dtsMs,
        body: coding.body(packet),
      };
    },
  };
}
