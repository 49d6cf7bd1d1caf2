import type { IncomingMessage } from 'node:http';

/** 500 sessions are about 100 KB (S17). */
const MAX_BYTES = 512 * 1024;

/** The request's body as JSON, unchecked; undefined where it is none or too large. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > MAX_BYTES) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
