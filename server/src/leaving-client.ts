import type { Context } from 'koa';

/**
 * For requests that are answered past Koa: it takes whatever breaks the client's connection for a fault of the server
 * and prints its stack, and a viewer who leaves is none.
 */
export function keepQuietOnLeaving(context: Context): void {
  const report = context.onerror.bind(context);
  context.onerror = (error: Error) => {
    if (!context.req.socket.destroyed) report(error);
  };
}
