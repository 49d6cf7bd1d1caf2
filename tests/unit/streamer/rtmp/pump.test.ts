import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { GrantedAsset } from '../../../../server/contracts';
import type { Packager } from '../../../../streamer/src/packager/packager';
import { PackagingError } from '../../../../streamer/src/packager/packaging-error';
import { openFilmStream } from '../../../../streamer/src/rtmp/film-stream';
import type { FlvMessage } from '../../../../streamer/src/rtmp/nms';
import { Pump } from '../../../../streamer/src/rtmp/pump';
import { drawnPackager } from './stage';

const ASSET: GrantedAsset = {
  id: 'a1',
  contentVersion: 'version-0001',
  fileName: 'film.mp4',
  mime: 'video/mp4',
  durationSeconds: 60,
  renditions: [{ id: 'source', storageKey: 'films/film.mp4', sizeBytes: 1 }],
};

/** A pump into a list, on a clock that only the test turns. */
async function setUp(options: { bytesPerPicture?: number; drains?: boolean; breaksAt?: number } = {}) {
  const { bytesPerPicture = 1000, drains = true, breaksAt = Number.POSITIVE_INFINITY } = options;
  const packager = drawnPackager({ bytesPerPicture });
  const packetRun: Packager['packetRun'] = async (asset, index) => {
    if (index >= breaksAt) throw new PackagingError('asset-unreadable', 'the film cannot be read');
    return packager.packetRun(asset, index);
  };
  const stream = await openFilmStream({ ...packager, packetRun }, { asset: ASSET });
  if (stream === null) throw new Error('FLV should carry it');
  const sent: FlvMessage[] = [];
  const told: string[] = [];
  const state = { queued: 0, mayContinue: true, waitMs: 0, claimed: 0, counted: 0 };
  const pump = new Pump({
    stream,
    clock: () => performance.now(),
    session: {
      mayContinue: () => state.mayContinue,
      countBytes: (bytes) => {
        state.counted += bytes;
      },
      claimMedia: (_kind, seconds) => {
        if (state.waitMs === 0) state.claimed += seconds;
        return state.waitMs;
      },
    },
    outlet: {
      queuedBytes: () => state.queued,
      send(messages) {
        sent.push(...messages);
        const bytes = messages.reduce((sum, { body }) => sum + body.length, 0);
        if (!drains) state.queued += bytes;
        return bytes;
      },
    },
    events: {
      ended: () => told.push('ended'),
      lapsed: () => told.push('lapsed'),
      stalled: () => told.push('stalled'),
      failed: (error) => told.push(`failed: ${String(error)}`),
    },
  });
  const pictures = () => sent.filter(({ type, body }) => type === 9 && body[1] === 1);
  return { pump, state, told, sent, pictures, lastMs: () => pictures().at(-1)?.timestampMs ?? -1 };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('the pump', () => {
  it('sends five seconds at once, then keeps to the clock', async () => {
    const { pump, lastMs } = await setUp();
    pump.play(0);
    await pass(0);
    expect(lastMs()).toBe(5_000);
    await pass(10_000);
    expect(lastMs()).toBeGreaterThan(14_700);
    expect(lastMs()).toBeLessThanOrEqual(15_000);
    pump.stop();
  });

  it('sends every packet once, in order, to the end', async () => {
    const { pump, pictures, told } = await setUp();
    pump.play(0);
    await pass(60_000);
    expect(told).toEqual(['ended']);
    expect(pictures().map(({ timestampMs }) => timestampMs)).toEqual(pictures().map((_picture, index) => index * 40));
    expect(pictures()).toHaveLength(1500);
  });

  it('never has more than a megabyte and one message waiting, and goes on when that has drained', async () => {
    const { pump, state, lastMs } = await setUp({ bytesPerPicture: 100_000, drains: false });
    pump.play(0);
    await pass(1000);
    expect(state.queued).toBeGreaterThan(1024 * 1024 - 100_000);
    expect(state.queued).toBeLessThan(1024 * 1024 + 110_000);
    const before = lastMs();
    state.queued = 0;
    pump.rouse();
    await pass(0);
    expect(lastMs()).toBeGreaterThan(before);
    pump.stop();
  });

  it('gives up on a reader that takes nothing for a minute', async () => {
    const { pump, told } = await setUp({ bytesPerPicture: 100_000, drains: false });
    pump.play(0);
    await pass(59_000);
    expect(told).toEqual([]);
    await pass(2_000);
    expect(told).toEqual(['stalled']);
  });

  it('waits for a paused viewer however long that takes', async () => {
    const { pump, told, lastMs } = await setUp();
    pump.play(0);
    await pass(1_000);
    pump.pause();
    const before = lastMs();
    await pass(300_000);
    expect([told, lastMs()]).toEqual([[], before]);
    pump.resume();
    await pass(1_000);
    expect(lastMs()).toBeGreaterThan(before);
    expect(lastMs()).toBeLessThanOrEqual(7_000);
    pump.stop();
  });

  it('S13 claims each second before its first packet, and sends nothing of one that is not granted', async () => {
    const { pump, state, lastMs } = await setUp();
    pump.play(0);
    await pass(0);
    expect(state.claimed).toBe(6);
    state.waitMs = 500;
    await pass(3_000);
    expect(lastMs()).toBeLessThan(6_000);
    state.waitMs = 0;
    await pass(400);
    expect(lastMs()).toBeGreaterThan(8_000);
    pump.stop();
  });

  it('S15 asks before each batch whether it may go on', async () => {
    const { pump, state, told, sent } = await setUp();
    pump.play(0);
    await pass(1_000);
    state.mayContinue = false;
    const before = sent.length;
    await pass(1_000);
    expect([told, sent.length]).toEqual([['lapsed'], before]);
  });

  it('counts what it sent', async () => {
    const { pump, state, sent } = await setUp();
    pump.play(0);
    await pass(5_000);
    expect(state.counted).toBe(sent.reduce((sum, { body }) => sum + body.length, 0));
    pump.stop();
  });

  it('of many starts at once only the last is played', async () => {
    const { pump, pictures } = await setUp();
    for (const ms of [0, 20_000, 40_000, 10_500, 30_000]) pump.play(ms);
    await pass(0);
    expect(pictures()[0]?.timestampMs).toBe(30_000);
    expect(pictures().every(({ timestampMs }, index) => timestampMs === 30_000 + index * 40)).toBe(true);
    pump.stop();
  });

  it('tells of a film that cannot be read further, once, after what could be read', async () => {
    const { pump, told, lastMs } = await setUp({ breaksAt: 2 });
    pump.play(0);
    await pass(60_000);
    expect(told).toEqual(['failed: PackagingError: the film cannot be read']);
    expect(lastMs()).toBe(11_960);
  });

  it('leaves no timer behind', async () => {
    const { pump } = await setUp();
    pump.play(0);
    await pass(1_000);
    pump.stop();
    await pass(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
