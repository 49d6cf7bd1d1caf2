import http from 'node:http';

/** Who asks: an address, which is another client where its /24 is another, and a user agent. */
export interface NetworkClient {
  from: string;
  agent: string;
}

/** A response that is left open. */
export interface OpenedResponse {
  status: number;
  /** Bytes that have come so far. */
  bytes(): number;
  /** Resolves when the last byte has come, or when it was cut. */
  finished: Promise<void>;
  close(): void;
}

/** Asks, and reads on as long as bytes come and nobody closes. */
export function openResponse(
  url: string,
  { from, agent }: NetworkClient,
  headers: Record<string, string> = {},
): Promise<OpenedResponse> {
  return new Promise((resolve, reject) => {
    const options = { agent: false as const, localAddress: from, headers: { 'user-agent': agent, ...headers } };
    const request = http.get(url, options, (response) => {
      let bytes = 0;
      response.on('error', () => undefined);
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
      });
      resolve({
        status: response.statusCode ?? 0,
        bytes: () => bytes,
        finished: new Promise((done) => response.once('close', done)),
        close: () => response.destroy(),
      });
    });
    request.once('error', reject);
  });
}

/** What is answered; the rest of the answer is not waited for. */
export async function statusOf(url: string, client: NetworkClient, headers?: Record<string, string>): Promise<number> {
  const opened = await openResponse(url, client, headers);
  opened.close();
  return opened.status;
}
