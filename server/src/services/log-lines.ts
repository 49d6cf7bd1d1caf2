import { Writable } from 'node:stream';

/** Takes whole lines, keeps each by `keep`, and passes them on as they are. Waits while `target` is blocked. */
export function createLogLines(keep: (line: string) => void, target: NodeJS.WritableStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      for (const line of chunk.toString('utf8').split('\n')) if (line !== '') keep(line);
      if (target.write(chunk)) done();
      else target.once('drain', done);
    },
  });
}
