// Speaks the packager thread's messages and does what the path of the film says.
const { parentPort, threadId } = require('node:worker_threads');

/** Tells which thread answers. @param {number} id */
const answer = (id) =>
  parentPort.postMessage({ id, result: { video: { codec: String(threadId), description: null } } });

/** @type {Record<string, (id: number, shared: Int32Array) => void>} */
const deeds = {
  answer,
  crash: () => process.exit(1),
  throw: () => {
    throw new Error('not one of a film');
  },
  'crash once': (id, shared) => (Atomics.load(shared, 0) === 1 ? process.exit(1) : answer(id)),
  hang: () => {
    for (;;);
  },
  exhaust: () => {
    const kept = [];
    for (;;) kept.push({ kept: [...kept] });
  },
  /** Until index 1 is not 0 any more. */
  wait: (id, shared) => {
    Atomics.wait(shared, 1, 0);
    answer(id);
  },
};

parentPort.on('message', ({ id, task }) => {
  const [file, order] = task.args;
  const deed = task.kind === 'plan' ? file[0].path : file.path;
  const shared = new Int32Array((task.kind === 'plan' ? file[0] : order).shared);
  Atomics.add(shared, 0, 1);
  deeds[deed.replace(/ #\d$/, '')](id, shared);
});
