import http from 'node:http';

export interface RawRequest {
  method?: string;
  headers?: Record<string, string>;
  /** Source address; another /24 of the loopback block is another client. */
  from?: string;
}

export interface RawAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Whether the body was cut off. */
  aborted: boolean;
}

/** One request as written, with no redirect followed and no path normalised. */
export function rawRequest(url: string, { method = 'GET', headers = {}, from }: RawRequest = {}): Promise<RawAnswer> {
  const [, host = '', port = '', path = '/'] = /^http:\/\/([^:/]+):(\d+)(.*)$/.exec(url) ?? [];
  return new Promise((resolve, reject) => {
    const request = http.request({
      host,
      port,
      path,
      method,
      headers: { 'user-agent': 'raw', ...headers },
      agent: false,
      ...(from !== undefined && { localAddress: from }),
    });
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      const finish = (aborted: boolean) =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks), aborted });
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () => finish(false));
      response.once('error', () => finish(true));
      response.once('aborted', () => finish(true));
    });
    request.end();
  });
}
