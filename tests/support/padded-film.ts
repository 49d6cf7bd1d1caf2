import { createHash } from 'node:crypto';
import { clip } from './clips';

const PIECE_BYTES = 1024 * 1024;
/** ISO 14496-12 §4.2: size 1 stands for the 64 bits behind the type. */
const LARGE_BOX_BYTES = 16;

/** The clip, made as long as wanted by a box of zeros behind it that players pass by. Nothing of it lies on a disk. */
export class PaddedFilm {
  readonly #head: Buffer;

  constructor(readonly sizeBytes: number) {
    const film = clip();
    const box = Buffer.alloc(LARGE_BOX_BYTES);
    box.writeUInt32BE(1, 0);
    box.write('free', 4);
    box.writeBigUInt64BE(BigInt(sizeBytes - film.byteLength), 8);
    this.#head = Buffer.concat([film, box]);
  }

  /** From a byte to the end. */
  *piecesFrom(start: number): Generator<Buffer> {
    const zeros = Buffer.alloc(PIECE_BYTES);
    for (let at = start; at < this.sizeBytes; ) {
      const isHead = at < this.#head.byteLength;
      const length = Math.min(PIECE_BYTES, (isHead ? this.#head.byteLength : this.sizeBytes) - at);
      yield isHead ? this.#head.subarray(at, at + length) : zeros.subarray(0, length);
      at += length;
    }
  }

  sha256(): string {
    const hash = createHash('sha256');
    for (const piece of this.piecesFrom(0)) hash.update(piece);
    return hash.digest('hex');
  }
}
