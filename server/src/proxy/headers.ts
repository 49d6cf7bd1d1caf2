import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';

// RFC 9110 §7.6.1, and those of RFC 2616 §13.5.1 that old peers still send.
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** Credentials of the site, framing of a body that is not passed on, and the address of another server. */
const REQUEST_ONLY = ['authorization', 'content-length', 'cookie', 'expect', 'host', 'http2-settings'];

const FORWARDING =
  /^(?:forwarded|x-forwarded-.*|x-forwarded|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip)$/;
const OURS = /^x-protected-vod-/;

/** RFC 9110 §7.6.1: a header that `Connection` names belongs to this hop as well. */
function namedByConnection(connection: string | undefined): string[] {
  return (connection ?? '').split(',').map((name) => name.trim().toLowerCase());
}

/** S16: the request's headers as far as the streamer may see them. */
export function requestHeaders(headers: IncomingHttpHeaders): OutgoingHttpHeaders {
  const dropped = new Set([...HOP_BY_HOP, ...REQUEST_ONLY, ...namedByConnection(headers.connection)]);
  const passes = (name: string) => !dropped.has(name) && !FORWARDING.test(name) && !OURS.test(name);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => passes(name)));
}

/** The answer's headers by name, all but those of this hop. The streamer has no say in the site's cookies. */
export function responseHeaders(answer: IncomingMessage): Array<[name: string, values: string[]]> {
  const dropped = new Set([...HOP_BY_HOP, 'set-cookie', ...namedByConnection(answer.headers.connection)]);
  const passes = (name: string) => !dropped.has(name) && !OURS.test(name);
  return Object.entries(answer.headersDistinct).flatMap(
    ([name, values]): Array<[string, string[]]> => (values !== undefined && passes(name) ? [[name, values]] : []),
  );
}
