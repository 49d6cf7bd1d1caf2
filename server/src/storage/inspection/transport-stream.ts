import type { FilmFile } from './film-file';

/** A stream that a film has and its demuxer passes over in silence. */
export interface UnreadStream {
  kind: 'video' | 'audio';
  codec: string;
}

/** As much as is looked through for the tables; they come several times a second. */
const HEAD_BYTES = 2 * 1024 * 1024;
const SYNC = 0x47;
const PACKET_BYTES = 188;
const PROGRAM_ASSOCIATION = 0x00;
const PROGRAM_MAP = 0x02;
const REGISTRATION = 0x05;

const picture = (codec: string): UnreadStream => ({ kind: 'video', codec });
const sound = (codec: string): UnreadStream => ({ kind: 'audio', codec });

/** `stream_type` (ISO/IEC 13818-1 table 2-34, and what registries added). */
const BY_TYPE: Record<number, UnreadStream> = {
  1: picture('MPEG-1'),
  2: picture('MPEG-2'),
  16: picture('MPEG-4 Visual'),
  17: sound('AAC LATM'),
  45: sound('MPEG-H'),
  51: picture('VVC'),
  66: picture('AVS'),
  128: sound('LPCM'),
  209: picture('Dirac'),
  234: picture('VC-1'),
};
/** `format_identifier` of private streams. */
const BY_REGISTRATION: Record<string, UnreadStream> = {
  Opus: sound('Opus'),
  AV01: picture('AV1'),
  'VC-1': picture('VC-1'),
  BSSD: sound('LPCM'),
};

/** Where the packets begin, and how far apart: bare, with a time before each, or with a checksum behind. */
function layoutOf(head: Buffer): { offset: number; step: number } | null {
  const layouts = [
    { offset: 0, step: PACKET_BYTES },
    { offset: 4, step: PACKET_BYTES + 4 },
    { offset: 0, step: PACKET_BYTES + 16 },
  ];
  return layouts.find(({ offset, step }) => [0, 1, 2].every((n) => head[offset + n * step] === SYNC)) ?? null;
}

/** The section that begins in a packet, as far as the packet holds it (§2.4.3, §2.4.4). */
function sectionOf(packet: Buffer, tableId: number): Buffer | null {
  const [, second = 0, , fourth = 0] = packet;
  const beginsSection = (second & 0x40) !== 0;
  const hasPayload = (fourth & 0x10) !== 0;
  if (!beginsSection || !hasPayload) return null;
  const afterAdaptation = (fourth & 0x20) === 0 ? 4 : 5 + (packet[4] ?? 0);
  const start = afterAdaptation + 1 + (packet[afterAdaptation] ?? 0);
  if (start + 3 > packet.byteLength || packet[start] !== tableId) return null;
  const length = packet.readUInt16BE(start + 1) & 0x0fff;
  // Without its checksum.
  return packet.subarray(start, Math.min(packet.byteLength, start + 3 + length - 4));
}

function programMapsIn(section: Buffer): number[] {
  const maps: number[] = [];
  for (let at = 8; at + 4 <= section.byteLength; at += 4) {
    // Program 0 is the network's own table.
    if (section.readUInt16BE(at) !== 0) maps.push(section.readUInt16BE(at + 2) & 0x1fff);
  }
  return maps;
}

function registrationIn(descriptors: Buffer): string {
  for (let at = 0; at + 2 <= descriptors.byteLength; at += 2 + (descriptors[at + 1] ?? 0)) {
    if (descriptors[at] === REGISTRATION) return descriptors.toString('latin1', at + 2, at + 6);
  }
  return '';
}

function streamsIn(section: Buffer): UnreadStream[] {
  if (section.byteLength < 12) return [];
  const found: UnreadStream[] = [];
  let at = 12 + (section.readUInt16BE(10) & 0x0fff);
  while (at + 5 <= section.byteLength) {
    const infoLength = section.readUInt16BE(at + 3) & 0x0fff;
    const registration = registrationIn(section.subarray(at + 5, at + 5 + infoLength));
    const stream = BY_TYPE[section[at] ?? 0] ?? (section[at] === 6 ? BY_REGISTRATION[registration] : undefined);
    if (stream) found.push(stream);
    at += 5 + infoLength;
  }
  return found;
}

/** What the first tables of an MPEG transport stream announce and the demuxer does not know. */
export async function unreadStreams(file: FilmFile): Promise<UnreadStream[]> {
  const head = await file.read(0, Math.min(HEAD_BYTES, file.sizeBytes));
  const layout = layoutOf(head);
  if (layout === null) return [];
  const maps = new Set<number>();
  const found = new Map<number, UnreadStream[]>();
  for (let at = layout.offset; at + PACKET_BYTES <= head.byteLength; at += layout.step) {
    const packet = head.subarray(at, at + PACKET_BYTES);
    const pid = packet.readUInt16BE(1) & 0x1fff;
    if (pid === 0)
      for (const map of programMapsIn(sectionOf(packet, PROGRAM_ASSOCIATION) ?? Buffer.alloc(0))) maps.add(map);
    const section = maps.has(pid) ? sectionOf(packet, PROGRAM_MAP) : null;
    if (section) found.set(pid, streamsIn(section));
    if (maps.size > 0 && found.size === maps.size) break;
  }
  return [...found.values()].flat();
}
