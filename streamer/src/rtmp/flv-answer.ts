import type { ServerResponse } from 'node:http';
import type { Clock } from '../access/clock';
import type { Exchange } from '../http/exchange';
import { NO_STORE } from '../http/security-headers';
import type { Packager } from '../packager/packager';
import { type FilmStream, openFilmStream } from './film-stream';
import { type FlvMessage, flvFileHeader, muxFlvTag } from './nms';
import { Pump } from './pump';
import type { StreamObserver } from './stream-observer';

export interface FlvAnswerParts {
  packager: Packager;
  clock: Clock;
  observer: StreamObserver;
}

/** Answers an admitted request for HTTP-FLV. False: FLV cannot carry the film; nothing has been sent. */
export type FlvHandler = (exchange: Exchange) => Promise<boolean>;

const START = /[?&]start=(\d{1,9}(?:\.\d{1,6})?)(?:&|$)/;

/** Where `?start=` wants to begin; 0 for anything that is no plain number of seconds. */
export function startMsOf(requestTarget: string | undefined): number {
  return Number(START.exec(requestTarget ?? '')?.[1] ?? 0) * 1000;
}

/** The one query that means something here, in the form in which a redirect keeps it; empty where there is none. */
export function startQueryOf(requestTarget: string | undefined): string {
  const seconds = START.exec(requestTarget ?? '')?.[1];
  return seconds === undefined ? '' : `?start=${seconds}`;
}

function outletOf(response: ServerResponse) {
  return {
    queuedBytes: () => response.writableLength,
    send(messages: FlvMessage[]): number {
      let bytes = 0;
      response.cork();
      for (const message of messages) {
        const tag = muxFlvTag(message);
        bytes += tag.length;
        response.write(tag);
      }
      response.uncork();
      return bytes;
    },
  };
}

/** Settles when the answer is over; rejects with what made it impossible to go on. */
function pumpInto({ response, session }: Exchange, stream: FilmStream, fromMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const pump = new Pump({
      stream,
      session,
      clock,
      outlet: outletOf(response),
      events: {
        ended: () => response.end(),
        lapsed: () => response.destroy(),
        stalled: () => response.destroy(),
        failed: reject,
      },
    });
    response.on('drain', () => pump.rouse());
    response.once('close', () => {
      pump.stop();
      resolve();
    });
    if (response.destroyed) resolve();
    else pump.play(fromMs);
  });
}

/** One film from `?start=` seconds to its end as one FLV file that arrives at the speed of watching. */
export function createFlvHandler({ packager, clock, observer }: FlvAnswerParts): FlvHandler {
  return async (exchange) => {
    const { request, response, session } = exchange;
    const stream = await openFilmStream(packager, session);
    if (stream === null) return false;
    if (!session.mayContinue()) return true;
    // S15: a buffering proxy would go on sending after the end of the session.
    response.writeHead(200, { 'content-type': 'video/x-flv', 'cache-control': NO_STORE, 'x-accel-buffering': 'no' });
    if (request.method === 'HEAD') {
      response.end();
      return true;
    }
    response.write(flvFileHeader(stream.coding.has));
    observer.streamOpened('http-flv');
    // Its bytes are counted with those of all responses.
    const closed = () => observer.streamClosed('http-flv', 0);
    await pumpInto(exchange, stream, startMsOf(request.url), clock).finally(closed);
    return true;
  };
}
