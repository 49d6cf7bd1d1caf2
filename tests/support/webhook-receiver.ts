import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedHook {
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A receiver of webhooks on loopback. Answers 204 unless `answer` is told otherwise. */
export interface WebhookReceiver {
  /** `http://127.0.0.1:<port>`. */
  url: string;
  received: ReceivedHook[];
  connections(): number;
  answer: (response: ServerResponse, hook: ReceivedHook) => void;
  close(): Promise<void>;
}

export const acceptHook = (response: ServerResponse): void => {
  response.writeHead(204).end();
};

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  let connections = 0;
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    try {
      for await (const part of request) parts.push(part);
    } catch {
      // The sender was cut off: this one is told again.
      return;
    }
    const { method = '', url = '', headers } = request;
    const hook = { method, url, headers, body: Buffer.concat(parts).toString() };
    receiver.received.push(hook);
    receiver.answer(response, hook);
  });
  server.on('connection', () => {
    connections += 1;
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: [],
    connections: () => connections,
    answer: acceptHook,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}
