// Cuts segments 1 to `count` of a film at once, as a streamer with cold caches would, and reports what that cost.
const { monitorEventLoopDelay } = require('node:perf_hooks');

/** @param {{ packager: string, entry: string, film: string, cacheDir: string, count: number, settings: object }} task */
async function measure({ packager, entry, film, cacheDir, count, settings }) {
  const { createPackager } = require(packager);
  const { cutThreads, ...caches } = settings;
  const resolve = async (storageKey) => storageKey;
  const cutter = createPackager({ ...caches, cacheDir, threads: { entry, count: cutThreads }, resolve });
  const asset = {
    id: 'film',
    contentVersion: 'version-1',
    renditions: [{ id: 'source', storageKey: film, sizeBytes: 0 }],
  };
  await cutter.presentation(asset);
  await cutter.initSegment(asset, 'source-v1');
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.cpuUsage();
  const startedAt = performance.now();
  delay.enable();
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  const segments = await Promise.all(numbers.map((number) => cutter.segment(asset, 'source-v1', number)));
  delay.disable();
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(before);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes.length, 0);
  await cutter.close();
  return {
    segmentMegabytes: bytes / count / 1e6,
    cpuMsPerSegment: (user + system) / 1000 / count,
    delayP99Ms: delay.percentile(99) / 1e6,
    delayMaxMs: delay.max / 1e6,
    peakMegabytes: process.resourceUsage().maxRSS / 1024,
    segmentsPerSecond: count / seconds,
  };
}

process.on('message', (task) => {
  measure(task).then((figures) => process.send(figures, () => process.disconnect()));
});
