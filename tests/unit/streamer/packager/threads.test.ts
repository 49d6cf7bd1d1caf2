import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CodingOrder } from '../../../../streamer/src/packager/stream-coding';
import { FilmThreads } from '../../../../streamer/src/packager/threads/film-threads';
import { ThreadGroup, type ThreadGroupOptions } from '../../../../streamer/src/packager/threads/thread-group';
import { until } from '../../../support/until';

const ENTRY = join(import.meta.dirname, 'stand-in-thread.cjs');
const LIMITS = { taskMs: 60_000, heapMegabytes: 64 };

let opened: { close(): Promise<void> }[];
let lost: number;

beforeEach(() => {
  opened = [];
  lost = 0;
});

afterEach(() => Promise.all(opened.map((threads) => threads.close())));

/** What a task has done, seen from here. */
function makeShared() {
  const shared = new SharedArrayBuffer(8);
  const cells = new Int32Array(shared);
  return {
    order: { spans: [], shiftSeconds: 0, shared } as CodingOrder,
    shared,
    attempts: () => Atomics.load(cells, 0),
    release: () => {
      Atomics.store(cells, 1, 1);
      Atomics.notify(cells, 1);
    },
  };
}

function start(options: Partial<ThreadGroupOptions> = {}) {
  const onLost = () => {
    lost += 1;
  };
  const openFilms = { films: 1, bytes: 1 };
  const base = { entry: ENTRY, threads: 1, tasksPerThread: 1, maxWaiting: 100, openFilms, limits: LIMITS, onLost };
  const group = new ThreadGroup({ ...base, ...options });
  opened.push(group);
  /** Resolves with the thread that did it. */
  const perform = async (deed: string, { order } = makeShared()): Promise<string | undefined> => {
    const coding = await group.run(deed, { kind: 'readCoding', args: [{ path: deed, stamp: '', packets: 0 }, order] });
    return coding.video?.codec;
  };
  return { group, perform };
}

describe('a thread that is lost', () => {
  it('is replaced, and what it was doing is done once more', async () => {
    const { perform } = start();
    const first = await perform('answer');
    const shared = makeShared();
    expect(await perform('crash once', shared)).not.toBe(first);
    expect({ attempts: shared.attempts(), lost }).toEqual({ attempts: 2, lost: 1 });
  });

  it.each(['crash', 'throw', 'exhaust'])('twice by the same task (%s) fails that task only', async (deed) => {
    const { perform } = start();
    const shared = makeShared();
    await expect(perform(deed, shared)).rejects.toMatchObject({ name: 'PackagingError', code: 'asset-unreadable' });
    expect({ attempts: shared.attempts(), lost }).toEqual({ attempts: 2, lost: 2 });
    expect(await perform('answer')).toBeDefined();
  });

  it('because a task hangs: that one is not tried again, the others on the thread are', async () => {
    const { perform } = start({ tasksPerThread: 2, limits: { ...LIMITS, taskMs: 3_000 } });
    await perform('answer');
    const shared = makeShared();
    const hanging = expect(perform('hang', shared)).rejects.toMatchObject({ code: 'asset-unreadable' });
    expect(await perform('answer')).toBeDefined();
    await hanging;
    expect({ attempts: shared.attempts(), lost }).toEqual({ attempts: 1, lost: 1 });
  });

  it('before it could start fails the tasks that need it, each after two attempts', async () => {
    const { perform } = start({ entry: join(import.meta.dirname, 'no-such-thread.cjs') });
    await expect(perform('answer')).rejects.toMatchObject({ code: 'asset-unreadable' });
  });
});

describe('the queue', () => {
  it('refuses what goes beyond its bound as overloaded, and does everything else', async () => {
    const { perform } = start({ maxWaiting: 2 });
    const shared = makeShared();
    const accepted = [perform('wait', shared), perform('answer'), perform('answer')];
    await expect(perform('answer')).rejects.toMatchObject({ name: 'PackagingError', code: 'overloaded' });
    shared.release();
    expect(await Promise.all(accepted)).toHaveLength(3);
    expect(await perform('answer')).toBeDefined();
  });

  it('keeps the tasks of one film on one thread', async () => {
    const { perform } = start({ threads: 3 });
    const threads = new Set<string | undefined>();
    for (let count = 0; count < 5; count += 1) threads.add(await perform('answer'));
    expect(threads.size).toBe(1);
  });

  it('gives a task to another thread rather than let it wait for that of its film', async () => {
    const { perform } = start({ threads: 2 });
    const released = makeShared();
    released.release();
    const home = await perform('wait #1', released);
    const shared = makeShared();
    const waiting = perform('wait #1', shared);
    await until('the thread waits', () => shared.attempts() === 1);
    expect(await perform('wait #1', released)).not.toBe(home);
    shared.release();
    expect(await waiting).toBe(home);
  });

  it('refuses on close what is not finished', async () => {
    const { group, perform } = start();
    const running = expect(perform('hang')).rejects.toMatchObject({ code: 'asset-unreadable' });
    const waiting = expect(perform('answer')).rejects.toMatchObject({ code: 'asset-unreadable' });
    await group.close();
    await Promise.all([running, waiting]);
    await expect(perform('answer')).rejects.toMatchObject({ name: 'PackagingError' });
  });
});

describe('planning', () => {
  it('of one film keeps no other film from playing', async () => {
    const threads = new FilmThreads({ entry: ENTRY, count: 1, limits: LIMITS, onLost: () => undefined });
    opened.push(threads);
    const shared = makeShared();
    const rendition = { id: 'source', storageKey: 'film.mp4', sizeBytes: 0, path: 'wait', shared: shared.shared };
    const planning = threads.plan([rendition]);
    await until('the thread waits', () => shared.attempts() === 1);
    const { video } = await threads.readCoding({ path: 'answer', stamp: '', packets: 0 }, makeShared().order);
    expect(video?.codec).toBeDefined();
    shared.release();
    await planning;
  });
});
