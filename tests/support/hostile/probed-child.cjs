// The streamer as it ships, in a process that also tells what it holds when its parent asks. Needs `--expose-gc`.
const path = require('node:path');
const { Socket } = require('node:net');
const Context = require('node-media-server/src/core/context.js');

const STREAMER = path.resolve(__dirname, '../../../dist/streamer');
const PORTS = new Set(JSON.parse(process.env.PROBED_PORTS));

/** Connections that somebody opened to this process, not those that it opened itself. */
function accepted() {
  return process._getActiveHandles().filter((handle) => handle instanceof Socket && PORTS.has(handle.localPort));
}

/** A collection frees what the one before has only finalised. */
async function collect() {
  for (let round = 0; round < 6; round += 1) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

process.on('message', async (message) => {
  if (message === 'memory') await collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send({
    heapUsed,
    external,
    rss,
    sockets: accepted().length,
    rtmpSessions: Context.sessions.size,
    broadcasts: Context.broadcasts.size,
  });
});
process.on('disconnect', () => process.exit(0));

require(STREAMER).runStreamer();
