import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { checkNms, createNmsListener, muxFlvTag, muxRtmpMessage, VIDEO } from '../../../../streamer/src/rtmp/nms';
import { readFlv } from '../../../clients/flv.mjs';
import { ChunkReader } from '../../../clients/rtmp-chunks.mjs';

const ROOT = path.resolve(import.meta.dirname, '../../../..');

describe('node-media-server', () => {
  it('is pinned, because it is used below its public surface', () => {
    const { dependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
    expect(dependencies['node-media-server']).toBe('4.4.3');
  });

  it('has every member that the guard replaces or calls', () => {
    expect(() => checkNms()).not.toThrow();
  });

  it('is refused at the start when one is missing', () => {
    expect(() => checkNms(() => ['Rtmp.packetAlloc'])).toThrow(
      expect.objectContaining({ code: 'nms-unexpected', message: expect.stringContaining('Rtmp.packetAlloc') }),
    );
  });

  it('serves nobody by itself, takes any free port, and writes no word', async () => {
    const log = vi.spyOn(console, 'log');
    const { server, listen } = createNmsListener('127.0.0.1', 0);
    expect(server.listenerCount('connection')).toBe(0);
    listen(() => undefined);
    // Its own handler of errors would end the process.
    expect(server.listeners('error')).toHaveLength(1);
    await new Promise((resolve) => server.once('listening', resolve));
    await new Promise((resolve) => server.close(resolve));
    expect(log).not.toHaveBeenCalled();
    log.mockRestore();
  });
});

/** A digest for the body: comparing buffers byte by byte takes the test runner seconds. */
function describeMessage({ type, timestampMs, body }: { type: number; timestampMs: number; body: Buffer }) {
  return { type, timestampMs, size: body.length, sha256: createHash('sha256').update(body).digest('hex') };
}

describe('messages of any size and time come back as they were', () => {
  const sizes = [1, 5, 127, 128, 129, 65_534, 65_535, 65_536, 131_070, 200_000];
  const times = [0, 1, 0xfffffe, 0xffffff, 0x1000000, 0x7fffffff];

  it.each(times)('at %i ms', (timestampMs) => {
    for (const size of sizes) {
      const body = Buffer.alloc(Math.max(size, 5), size % 251);
      body[0] = 0x17;
      body[1] = 1;
      const message = { type: VIDEO, timestampMs, body } as const;
      const { tags } = readFlv(
        Buffer.concat([Buffer.from('FLV\u0001\u0005\0\0\0\u0009\0\0\0\0', 'latin1'), muxFlvTag(message)]),
      );
      expect(tags.map(describeMessage)).toEqual([describeMessage(message)]);
      const reader = new ChunkReader();
      reader.chunkSize = 0xffff;
      const read = reader.read(muxRtmpMessage(message, 7));
      expect(read.map(({ streamId }) => streamId)).toEqual([7]);
      expect(read.map(describeMessage)).toEqual([describeMessage(message)]);
    }
  });
});
