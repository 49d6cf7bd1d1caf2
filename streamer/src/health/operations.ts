import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '../logger';
import type { Metrics } from './metrics';

export interface OperationsParts {
  metrics: Metrics;
  /** Empty: ready. Otherwise what is missing, in words without secrets. */
  findObstacles(): Promise<string[]>;
  logger: Logger;
}

function send(response: ServerResponse, status: number, { mime, text }: { mime: string; text: string }): void {
  response.writeHead(status, {
    'content-type': mime,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(text);
}

const plain = (text: string) => ({ mime: 'text/plain; charset=utf-8', text: `${text}\n` });

/** For the machine's own supervisor and monitoring; listens on a socket that no proxy leads to (S16). */
export function createOperations({ metrics, findObstacles, logger }: OperationsParts) {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET' && request.method !== 'HEAD') return send(response, 405, plain('Method Not Allowed'));
    switch (request.url?.split('?', 1)[0]) {
      case '/healthz':
        return send(response, 200, plain('alive'));
      case '/readyz': {
        const obstacles = await findObstacles();
        return send(response, obstacles.length === 0 ? 200 : 503, plain(obstacles.join('\n') || 'ready'));
      }
      case '/metrics':
        return send(response, 200, await metrics.expose());
      default:
        return send(response, 404, plain('Not Found'));
    }
  }

  return (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch((error: unknown) => {
      logger.error(
        { code: 'operations-failed', message: error instanceof Error ? error.message : '' },
        'request failed',
      );
      response.destroy();
    });
  };
}
