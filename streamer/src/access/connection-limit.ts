import type { Socket } from 'node:net';

/** Counts a connection in until it closes; false: there is no room, and whoever asked closes it. */
export type ConnectionLimit = (socket: Socket) => boolean;

/** One for all listeners: `max` holds over what they have open together. */
export function createConnectionLimit(max: number): ConnectionLimit {
  let open = 0;
  return (socket) => {
    if (open >= max) return false;
    open += 1;
    socket.once('close', () => {
      open -= 1;
    });
    return true;
  };
}
