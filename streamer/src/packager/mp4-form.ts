import {
  BufferSource,
  type EncodedPacket,
  EncodedPacketSink,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  MP4,
} from 'mediabunny';
import { configOf, writeFragment } from './fragment-output';
import { PackagingError } from './packaging-error';

/** Packets as MP4 files hold them, with the configuration that decodes them. */
export interface Mp4Form {
  /** Null: the codec has none. */
  description: Buffer | null;
  packets: EncodedPacket[];
}

/** Without a configuration record these are Annex B or ADTS, as transport streams carry them. */
const FRAMED = new Set(['avc', 'hevc', 'aac']);

type BufferLike = ArrayBufferLike | ArrayBufferView;

function asBuffer(description: BufferLike): Buffer {
  return ArrayBuffer.isView(description)
    ? Buffer.from(description.buffer, description.byteOffset, description.byteLength)
    : Buffer.from(description);
}

async function* each(packets: readonly EncodedPacket[]): AsyncGenerator<EncodedPacket> {
  yield* packets;
}

/** The muxer knows how to rewrite them: a fragment is written and read back. Times stay those of the source. */
async function rewrite(
  track: InputVideoTrack | InputAudioTrack,
  packets: EncodedPacket[],
  shiftSeconds: number,
): Promise<Mp4Form> {
  const { initSegment, mediaSegment } = await writeFragment(track, each(packets), shiftSeconds);
  const input = new Input({
    formats: [MP4],
    source: new BufferSource(Buffer.concat([initSegment, mediaSegment])),
  });
  try {
    const written = track.isVideoTrack() ? await input.getPrimaryVideoTrack() : await input.getPrimaryAudioTrack();
    const description = (await written?.getDecoderConfig())?.description;
    const data: Uint8Array[] = [];
    if (written) for await (const packet of new EncodedPacketSink(written).packets()) data.push(packet.data);
    if (!description || data.length !== packets.length) {
      throw new PackagingError('unsupported-codec', 'the packets cannot be rewritten for a continuous stream');
    }
    const rewritten = packets.map((packet, index) => packet.clone({ data: data[index] ?? packet.data }));
    return { description: asBuffer(description), packets: rewritten };
  } finally {
    input.dispose();
  }
}

/** Length-prefixed NAL units and bare AAC frames, whatever the container. `packets` must not be empty. */
export async function toMp4Form(
  track: InputVideoTrack | InputAudioTrack,
  packets: EncodedPacket[],
  shiftSeconds: number,
): Promise<Mp4Form> {
  const { description } = await configOf<{ description?: BufferLike }>(track.getDecoderConfig());
  if (description) return { description: asBuffer(description), packets };
  if (!FRAMED.has((await track.getCodec()) ?? '')) return { description: null, packets };
  return rewrite(track, packets, shiftSeconds);
}
