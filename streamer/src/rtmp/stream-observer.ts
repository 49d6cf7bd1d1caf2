import type { Protocol } from '../../../server/contracts';

export type StreamProtocol = Extract<Protocol, 'http-flv' | 'ws-flv' | 'rtmp'>;

/** What connections that carry one continuous stream tell whoever counts. */
export interface StreamObserver {
  streamOpened(protocol: StreamProtocol): void;
  /** `bytes`: sent over the connection, where nobody else counts them. */
  streamClosed(protocol: StreamProtocol, bytes: number): void;
}
