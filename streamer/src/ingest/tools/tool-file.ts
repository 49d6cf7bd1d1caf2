import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { IngestError } from '../ingest-error';

/**
 * What a tool wrote to a file of its own. Null: there is none, or it is larger. Throws `output-invalid` where it is no plain
 * file: a tool that was taken over might name another one by it.
 */
export async function readToolBytes(file: string, maxBytes: number): Promise<Buffer | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const handle = await open(file, flags).catch((cause: unknown) => {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
    throw new IngestError('output-invalid', 'a tool left no plain file', { cause });
  });
  if (handle === null) return null;
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) throw new IngestError('output-invalid', 'a tool left no plain file');
    return stat.size > maxBytes ? null : await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** The same, as text. */
export async function readToolFile(file: string, maxBytes: number): Promise<string | null> {
  return (await readToolBytes(file, maxBytes))?.toString('utf8') ?? null;
}
