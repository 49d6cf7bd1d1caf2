import { Transform } from 'node:stream';

const NEWLINE = 0x0a;
const MAX_LINE_BYTES = 64 * 1024;

/**
 * Passes bytes on in whole lines, so that the lines of several writers to one terminal or file do not interleave.
 * A line above 64 KiB is passed on in pieces; a last line without its end is given one.
 */
export function wholeLines(): Transform {
  let rest: Buffer[] = [];
  let restBytes = 0;
  const take = (last: Buffer): Buffer => {
    const lines = Buffer.concat([...rest, last]);
    rest = [];
    restBytes = 0;
    return lines;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const end = chunk.lastIndexOf(NEWLINE) + 1;
      if (end > 0) this.push(take(chunk.subarray(0, end)));
      if (end < chunk.length) {
        rest.push(chunk.subarray(end));
        restBytes += chunk.length - end;
      }
      if (restBytes > MAX_LINE_BYTES) this.push(take(Buffer.alloc(0)));
      done();
    },
    flush(done) {
      done(null, restBytes > 0 ? take(Buffer.from('\n')) : undefined);
    },
  });
}
