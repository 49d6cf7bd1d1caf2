import type { ChildMessage } from '../../server/contracts';
import { StreamError } from './errors';

/** A parent that forked us and stays silent is not the plugin. */
const START_TIMEOUT_MS = 30_000;

/** Sends, and resolves once the message has left. */
export function tellParent(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

/** The next that the parent says. Rejects with `settings-invalid` if it says nothing. */
export function nextParentMessage(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new StreamError('settings-invalid', 'The parent process sent no settings.')),
      START_TIMEOUT_MS,
    );
    process.once('message', (message) => {
      clearTimeout(timer);
      resolve(message);
    });
  });
}
