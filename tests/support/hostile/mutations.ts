import type { Conversation } from './conversations';
import type { Random } from './random';

const EXTREMES = [0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff];
const NUMBERS = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffff, 0xffffff, 0x7fffffff, 0xffffffff];
const CHUNK_HEADER_BYTES = 12;
const HANDSHAKE_PIECES = 2;

type Mutation = (pieces: Buffer[], random: Random, other: Buffer[]) => Buffer[];

/** Half-open span of random place and length, at most `most` bytes. */
function span(bytes: Buffer, random: Random, most = 200): [number, number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random.below(most))];
}

/** Changes one piece; the shorter ones, which are headers and names, as likely as the long ones. */
function inOnePiece(change: (bytes: Buffer, random: Random) => Buffer): Mutation {
  return (pieces, random) => {
    const at = random.below(pieces.length);
    return pieces.map((piece, index) => (index === at ? change(Buffer.from(piece), random) : piece));
  };
}

const overwritten = (bytes: Buffer, at: number, byte: number): Buffer => {
  if (at < bytes.length) bytes[at] = byte;
  return bytes;
};

const isChunkHeader = (piece: Buffer) => piece.length === CHUNK_HEADER_BYTES;

/** In a chunk header the fields of RTMP 1.0 §5.3.1.2; elsewhere any three or four bytes. */
function spoilNumber(bytes: Buffer, random: Random): Buffer {
  if (bytes.length < 5) return random.bytes(4);
  const width = random.pick([2, 3, 4]);
  const at = isChunkHeader(bytes) ? random.pick([1, 4, 8]) : random.below(bytes.length - 4);
  bytes.writeUIntBE(random.pick(NUMBERS) % 2 ** (8 * width), at, width);
  return bytes;
}

/** Basic header (format and chunk stream) and message type. */
function spoilChunkHeader(bytes: Buffer, random: Random): Buffer {
  if (!isChunkHeader(bytes)) return overwritten(bytes, 0, random.below(256));
  return overwritten(bytes, random.pick([0, 7]), random.below(random.pick([24, 256])));
}

function flipBits(bytes: Buffer, random: Random): Buffer {
  for (let count = 1 + random.below(8); count > 0 && bytes.length > 0; count -= 1) {
    const at = random.below(bytes.length);
    bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  }
  return bytes;
}

/** Leaves a text a text, which gets past the parser of HTTP more often than not. */
const typeOtherCharacter = inOnePiece((bytes, random) =>
  overwritten(bytes, random.below(bytes.length), 0x20 + random.below(0x5f)),
);

const MUTATIONS: Record<string, Mutation> = {
  'flips bits': inOnePiece(flipBits),
  'writes extreme bytes': inOnePiece((bytes, random) =>
    overwritten(bytes, random.below(bytes.length), random.pick(EXTREMES)),
  ),
  'spoils lengths': inOnePiece(spoilNumber),
  'spoils chunk headers': inOnePiece(spoilChunkHeader),
  inserts: inOnePiece((bytes, random) => {
    const [from] = span(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), random.bytes(1 + random.below(64)), bytes.subarray(from)]);
  }),
  deletes: inOnePiece((bytes, random) => {
    const [from, to] = span(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  }),
  duplicates: inOnePiece((bytes, random) => {
    const [from, to] = span(bytes, random);
    return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
  }),
  'repeats a piece': (pieces, random) => {
    const at = random.below(pieces.length);
    const copies = Array<Buffer>(1 + random.below(30)).fill(pieces[at] ?? Buffer.alloc(0));
    return [...pieces.slice(0, at), ...copies, ...pieces.slice(at)];
  },
  truncates: (pieces, random) => {
    const bytes = Buffer.concat(pieces);
    return [bytes.subarray(0, random.below(bytes.length))];
  },
  reorders: (pieces, random) => {
    const [first, second] = [random.below(pieces.length), random.below(pieces.length)];
    const swapped = new Map([
      [first, pieces[second]],
      [second, pieces[first]],
    ]);
    return pieces.map((piece, at) => swapped.get(at) ?? piece);
  },
  splices: (pieces, random, other) => {
    const [mine, theirs] = [Buffer.concat(pieces), Buffer.concat(other)];
    return [mine.subarray(0, random.below(mine.length)), theirs.subarray(random.below(theirs.length))];
  },
};

const ANY = Object.entries(MUTATIONS);
const GENTLE: [string, Mutation][] = [['types other characters', typeOtherCharacter]];

export interface Mutant extends Conversation {
  /** How the bytes are sent: in one go, in pieces, or slowly. */
  manner: 'at once' | 'in pieces' | 'dripping';
  /** What the client does after its last byte. */
  farewell: 'reads on' | 'half-closes' | 'resets';
}

/** One to three mutations of a conversation; `other` is what splicing takes from. */
export function mutate(conversation: Conversation, other: Conversation, random: Random): Mutant {
  let { name, pieces } = conversation;
  // A handshake of another length makes noise of all that follows it.
  const kept = conversation.door === 'rtmp' && random.next() < 0.85 ? pieces.slice(0, HANDSHAKE_PIECES) : [];
  pieces = pieces.slice(kept.length);
  for (let count = random.pick([1, 1, 1, 2, 2, 3]); count > 0; count -= 1) {
    const [kind, change] = random.pick(conversation.door === 'http' && random.next() < 0.5 ? GENTLE : ANY);
    const usable = pieces.filter(({ length }) => length > 0);
    if (usable.length > 0) pieces = change(usable, random, other.pieces);
    name += `, ${kind}`;
  }
  return {
    name,
    door: random.next() < 0.02 ? other.door : conversation.door,
    pieces: [...kept, ...pieces],
    manner: random.pick(['at once', 'at once', 'at once', 'in pieces', 'in pieces', 'dripping']),
    farewell: random.pick(['reads on', 'reads on', 'reads on', 'half-closes', 'resets']),
  };
}
