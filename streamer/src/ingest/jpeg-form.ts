const MARKER = 0xff;
const [SOI, EOI, SOS] = [0xd8, 0xd9, 0xda];
/** ITU-T T.81 table B.1: frames of all kinds of coding; DHT, JPG and DAC lie between them. */
const isFrame = (code: number): boolean => code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code);
/** Without a length: RST0 to RST7 and TEM. */
const standsAlone = (code: number): boolean => (code >= 0xd0 && code <= 0xd7) || code === 0x01;

/** Where the next marker is within coded pictures: a 0xff that is neither data (0xff00) nor a restart. */
function afterScan(bytes: Buffer, from: number): number {
  let at = from;
  for (;;) {
    at = bytes.indexOf(MARKER, at);
    const code = at < 0 ? undefined : bytes[at + 1];
    if (code === undefined) return -1;
    if (code !== 0 && !standsAlone(code) && code !== MARKER) return at;
    at += code === MARKER ? 1 : 2;
  }
}

/** What is wrong with the structure of a JPEG (ITU-T T.81 §B.1); null: it is one, from its first byte to its last. */
export function jpegFault(bytes: Buffer): string | null {
  if (bytes[0] !== MARKER || bytes[1] !== SOI) return 'it does not begin as JPEG does';
  let at = 2;
  let hasFrame = false;
  for (;;) {
    const code = bytes[at + 1];
    if (bytes[at] !== MARKER || code === undefined) return 'its segments do not follow each other';
    if (code === EOI) return at + 2 === bytes.length && hasFrame ? null : 'it does not end as JPEG does';
    if (at + 4 > bytes.length) return 'it is cut off';
    hasFrame ||= isFrame(code);
    at += 2 + bytes.readUInt16BE(at + 2);
    if (code === SOS) at = afterScan(bytes, at);
    if (at < 0) return 'it is cut off';
  }
}
