import { clip } from '../clips';
import { box, content, need } from '../mp4-edits';

const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, index * 4);
  return bytes;
};

/** The clip with 32-bit fields of one of its tables (ISO/IEC 14496-12 §8) overwritten, in every track. */
export function clipWith(table: string, fields: Record<number, number>, bytes = clip()): Buffer {
  const moov = bytes.lastIndexOf('moov');
  for (let found = bytes.indexOf(table, moov); found !== -1; found = bytes.indexOf(table, found + 4)) {
    for (const [at, value] of Object.entries(fields)) bytes.writeUInt32BE(value >>> 0, found + 4 + Number(at));
  }
  return bytes;
}

/** A picture of that width, as its sample entry says (§12.1.3). */
export function clipOfWidth(pixels: number): Buffer {
  const bytes = clip();
  bytes.writeUInt16BE(pixels, bytes.indexOf('avc1', bytes.lastIndexOf('moov')) + 28);
  return bytes;
}

/** The first track so many times more, each under a number of its own. */
export function clipWithTracks(count: number): Buffer {
  const bytes = clip();
  const moov = need(bytes, 'moov', { start: 0, end: bytes.length });
  const track = need(bytes, 'trak', content(moov));
  const copies = Array.from({ length: count }, (_, index) => {
    const copy = Buffer.from(bytes.subarray(track.start, track.end));
    copy.writeUInt32BE(100 + index, copy.indexOf('tkhd') + 16);
    return copy;
  });
  return Buffer.concat([
    bytes.subarray(0, moov.start),
    box('moov', bytes.subarray(moov.start + 8, moov.end), ...copies),
  ]);
}

/** One fragment (§8.8) of a few bytes that promises four billion samples. */
export function fragmentBomb(): Buffer {
  const bytes = clipWith('stsz', { 4: 0, 8: 0 }, clipWith('stts', { 4: 0 }, clipWith('ctts', { 4: 0 })));
  const moov = need(bytes, 'moov', { start: 0, end: bytes.length });
  const extends_ = box('mvex', box('trex', words(0, 1, 1, 512, 100, 0)), box('trex', words(0, 2, 1, 512, 100, 0)));
  const fragment = box(
    'moof',
    box('mfhd', words(0, 1)),
    box('traf', box('tfhd', words(0x020000, 1)), box('tfdt', words(0, 0)), box('trun', words(1, 0xffffffff, 0))),
  );
  const head = bytes.subarray(0, bytes.readUInt32BE(0));
  const tables = box('moov', bytes.subarray(moov.start + 8, moov.end), extends_);
  return Buffer.concat([head, tables, fragment, box('mdat', Buffer.alloc(100))]);
}

/** Presentations of other formats: each names an address to be read. */
export const playlistsTo = (address: string): Record<string, string> => ({
  HLS: `#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n${address}/segment.ts\n#EXT-X-ENDLIST\n`,
  DASH: `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>${address}/</BaseURL></MPD>`,
  concat: `ffconcat version 1.0\nfile ${address}/film.mp4\n`,
  'concat without its first line': `file '${address}/film.mp4'\nduration 10\n`,
  IMF: `<?xml version="1.0"?><CompositionPlaylist xmlns="http://www.smpte-ra.org/schemas/2067-3/2016"><Id>${address}</Id></CompositionPlaylist>`,
  'Smooth Streaming': `<SmoothStreamingMedia MajorVersion="2"><StreamIndex Url="${address}/q"/></SmoothStreamingMedia>`,
  SMIL: `<smil><body><video src="${address}/film.mp4"/></body></smil>`,
  ASX: `<asx version="3.0"><entry><ref href="${address}/film.wmv"/></entry></asx>`,
  SDP: `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=control:${address}\n`,
});

const riff = (type: string, body: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(body.length);
  return Buffer.concat([Buffer.from(type, 'latin1'), size, body]);
};

/** An AVI whose subtitles are a playlist that names an address. */
export function aviWithSubtitles(address: string): Buffer {
  const playlist = Buffer.from(playlistsTo(address).HLS ?? '');
  const subtitles = Buffer.concat([
    Buffer.from('GAB2\0\x02\0', 'latin1'),
    words(0),
    Buffer.from('\x04\0', 'latin1'),
    playlist,
  ]);
  const header = riff('LIST', Buffer.concat([Buffer.from('strl'), riff('strh', Buffer.from('txts'.padEnd(56, '\0')))]));
  return riff('RIFF', Buffer.concat([Buffer.from('AVI '), header, riff('00tx', subtitles)]));
}
