import { join } from 'node:path';

/** `dist/packager-thread` lies beside `dist/streamer`, whose bundle this is a part of. */
export function builtThread(): string {
  return join(__dirname, '../packager-thread/index.js');
}
