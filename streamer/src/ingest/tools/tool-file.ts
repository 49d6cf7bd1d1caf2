import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Film } from '../../packager/film';
import { IngestError } from '../ingest-error';

const NO_PLAIN_FILE = 'a tool left no plain file';
const PIECE_BYTES = 256 * 1024;

/** Null: there is none, or it is larger. Whatever lies there, it is not waited for. */
async function openPlain(file: string, maxBytes: number): Promise<FileHandle | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file, flags).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new IngestError('output-invalid', NO_PLAIN_FILE, { cause });
  });
  if (handle === null) return null;
  const stat = await handle.stat();
  if (stat.isFile() && stat.size <= maxBytes) return handle;
  await handle.close();
  if (stat.isFile()) return null;
  throw new IngestError('output-invalid', NO_PLAIN_FILE);
}

/**
 * What a tool wrote to a file of its own. Null: there is none, or it is larger. Throws `output-invalid` where it is no plain
 * file: a tool that was taken over might name another one by it.
 */
export async function readToolBytes(file: string, maxBytes: number): Promise<Buffer | null> {
  const handle = await openPlain(file, maxBytes);
  try {
    return (await handle?.readFile()) ?? null;
  } finally {
    await handle?.close();
  }
}

/** The same, as text. */
export async function readToolFile(file: string, maxBytes: number): Promise<string | null> {
  return (await readToolBytes(file, maxBytes))?.toString('utf8') ?? null;
}

/** The same line by line, with no more than one piece in memory. Throws `output-invalid` also where there is none. */
export async function* readToolLines(file: string, maxBytes: number): AsyncGenerator<string> {
  const handle = await openPlain(file, maxBytes);
  if (handle === null) throw new IngestError('output-invalid', 'a tool left no list, or one that is too long');
  try {
    let rest = '';
    for await (const piece of handle.createReadStream({
      encoding: 'utf8',
      highWaterMark: PIECE_BYTES,
      autoClose: false,
    })) {
      const lines = (rest + String(piece)).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > PIECE_BYTES) throw new IngestError('output-invalid', 'a tool left a line without end');
      yield* lines;
    }
    if (rest !== '') yield rest;
  } finally {
    await handle.close();
  }
}

/** Opens what a tool made of a film. Throws `output-invalid` where it is no plain file. */
export async function openToolFilm(file: string): Promise<Film> {
  return Film.open(file).catch((cause: unknown) => {
    throw new IngestError('output-invalid', NO_PLAIN_FILE, { cause });
  });
}
