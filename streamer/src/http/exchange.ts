import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Resource } from '../../../server/contracts';
import type { PlaybackSession } from '../access/gate';

/** One admitted request and the response to it. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  session: PlaybackSession;
  resource: Resource;
}

export interface Representation {
  mime: string;
  /** Strong and opaque, quotes included. */
  etag: string;
  cacheControl: string;
  sizeBytes: number;
  headers?: OutgoingHttpHeaders;
}
