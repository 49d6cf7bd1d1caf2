import { isIPv4, isIPv6, type Socket } from 'node:net';
import { normaliseAddress } from '../access/client';

/** What the bytes at the start of a connection are to HAProxy's PROXY protocol, versions 1 and 2 (proxy-protocol.txt §2). */
export type ProxyHeader =
  | { kind: 'incomplete' }
  | { kind: 'malformed' }
  /** `address`: the viewer's; null: the proxy speaks for itself, as its health checks do. */
  | { kind: 'header'; byteLength: number; address: string | null };

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const MALFORMED: ProxyHeader = { kind: 'malformed' };

const TEXT_START = Buffer.from('PROXY ');
/** §2.1: with all that a line may hold. */
const MAX_TEXT_BYTES = 107;
const TEXT_LINE = /^PROXY TCP([46]) ([0-9a-fA-F.:]+) ([0-9a-fA-F.:]+) (\d{1,5}) (\d{1,5})$/;

const BINARY_START = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const BINARY_HEAD_BYTES = 16;
/** Addresses and what a proxy adds about its TLS; certificates in full are not expected. */
const MAX_BINARY_BODY_BYTES = 4096;
const LOCAL = 0x20;
const PROXIED = 0x21;
const TCP4 = { family: 0x11, bytes: 12 };
const TCP6 = { family: 0x21, bytes: 36 };

/** Longest wait for a header; a proxy sends it as soon as it connects. */
const HEADER_MS = 5_000;

function mayStart(bytes: Buffer, start: Buffer): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length).equals(start.subarray(0, length));
}

/** Not `UNKNOWN`, which a receiver may refuse (§2.1): whose connection it is would not be known. */
function parseText(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_TEXT_BYTES).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_TEXT_BYTES ? INCOMPLETE : MALFORMED;
  const [, version, source = '', target = '', ...ports] = TEXT_LINE.exec(bytes.toString('latin1', 0, end)) ?? [];
  const isAddress = version === '4' ? isIPv4 : isIPv6;
  if (version === undefined || !isAddress(source) || !isAddress(target)) return MALFORMED;
  if (ports.some((port) => Number(port) > 65_535)) return MALFORMED;
  return { kind: 'header', byteLength: end + 2, address: normaliseAddress(source) };
}

function readIpv6(bytes: Buffer): string {
  return Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(group * 2).toString(16)).join(':');
}

/** Only TCP over IP; of what follows the addresses (§2.2) nothing is read. */
function parseBinary(bytes: Buffer): ProxyHeader {
  if (bytes.length < BINARY_HEAD_BYTES) return INCOMPLETE;
  const [command, family, length] = [bytes[12], bytes[13], bytes.readUInt16BE(14)];
  const form = [TCP4, TCP6].find((known) => known.family === family && known.bytes <= length);
  if (length > MAX_BINARY_BODY_BYTES || !(command === LOCAL || (command === PROXIED && form))) return MALFORMED;
  const byteLength = BINARY_HEAD_BYTES + length;
  if (bytes.length < byteLength) return INCOMPLETE;
  if (command === LOCAL) return { kind: 'header', byteLength, address: null };
  const source = bytes.subarray(BINARY_HEAD_BYTES);
  const address = form === TCP4 ? source.subarray(0, 4).join('.') : readIpv6(source);
  return { kind: 'header', byteLength, address: normaliseAddress(address) };
}

export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (mayStart(bytes, TEXT_START)) return parseText(bytes);
  return mayStart(bytes, BINARY_START) ? parseBinary(bytes) : MALFORMED;
}

/**
 * Takes the header off a connection that nobody has read from and tells its address; what follows stays to be read. A
 * connection that does not begin with one, at once, is destroyed, and nothing is told.
 */
export function readProxyHeader(socket: Socket, tell: (address: string | null) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => socket.destroy(), HEADER_MS);
  function read(): void {
    for (let data: Buffer | null = socket.read(); data !== null; data = socket.read())
      bytes = Buffer.concat([bytes, data]);
    const header = parseProxyHeader(bytes);
    if (header.kind === 'incomplete') return;
    clearTimeout(timer);
    socket.off('readable', read);
    if (header.kind === 'malformed') {
      socket.destroy();
      return;
    }
    if (bytes.length > header.byteLength) socket.unshift(bytes.subarray(header.byteLength));
    tell(header.address);
  }
  socket.on('error', () => undefined);
  socket.once('close', () => clearTimeout(timer));
  socket.on('readable', read);
}
