import { createRequire } from 'node:module';

/** Loads another bundle of this package and runs what it exports. */
export async function runBundle<T>(
  entry: string,
  isRight: (loaded: unknown) => loaded is T,
  run: (loaded: T) => Promise<void>,
): Promise<void> {
  // A process manager's own IPC channel (PM2 opens one) would be taken for the plugin's, and settings awaited from it.
  if (process.connected) process.disconnect();
  delete process.send;
  // Not `import`: it is a bundle of its own, which the bundler of this one must not pull in.
  const loaded: unknown = createRequire(entry)(entry);
  if (!isRight(loaded)) throw new Error(`${entry} is not what it should be.`);
  await run(loaded);
}
