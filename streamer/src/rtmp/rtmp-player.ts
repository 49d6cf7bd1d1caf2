import type { Clock } from '../access/clock';
import type { PlaybackSession } from '../access/gate';
import type { FilmStream } from './film-stream';
import type { GuardedSession, RtmpCommand } from './guarded-session';
import { DATA, encodeAmf, type FlvMessage, muxRtmpMessage } from './nms';
import { Pump } from './pump';

/** User control events (RTMP 1.0 §7.1.7). */
const STREAM_BEGIN = 0;
const STREAM_EOF = 1;
const STREAM_IS_RECORDED = 4;

/** How long a viewer who has seen it all may still seek back. */
const REPLAY_MS = 60_000;

export interface PlayerParts {
  rtmp: GuardedSession;
  /** Of the message stream that `play` came on; all media carries it. */
  streamId: number;
  stream: FilmStream;
  session: PlaybackSession;
  clock: Clock;
  /** The connection must go at once. `reason`: for the log. */
  cut(reason: string | undefined): void;
  failed(error: unknown): void;
}

/** Plays one film to one admitted viewer, as Flash Media Server did: pause, seek, end of stream, replay. */
export class RtmpPlayer {
  readonly #parts: PlayerParts;
  readonly #pump: Pump;
  #replayTimer: NodeJS.Timeout | undefined;
  #lastTimestampMs = 0;

  constructor(parts: PlayerParts) {
    this.#parts = parts;
    const { stream, session, clock, cut, failed } = parts;
    this.#pump = new Pump({
      stream,
      session,
      clock,
      outlet: { queuedBytes: () => parts.rtmp.socket.writableLength, send: (messages) => this.#send(messages) },
      events: { ended: () => this.#end(), lapsed: () => cut(undefined), stalled: () => cut('slow-reader'), failed },
    });
    parts.rtmp.socket.on('drain', () => this.#pump.rouse());
  }

  get durationSeconds(): number {
    return this.#parts.stream.durationMs / 1000;
  }

  start(fromMs: number): void {
    this.#begin(STREAM_IS_RECORDED, STREAM_BEGIN);
    this.#tell('NetStream.Play.Reset', 'Playing and resetting.');
    this.#tell('NetStream.Play.Start', 'Started playing.');
    this.#parts.rtmp.rtmp.sendRtmpSampleAccess(this.#parts.streamId);
    this.#pump.play(fromMs);
  }

  /** `pause` with true or false, `seek` with milliseconds; anything else in their place is ignored. */
  command({ name, values: [, value] }: RtmpCommand): void {
    if (name === 'seek' && typeof value === 'number' && Number.isFinite(value)) this.#seek(Math.max(0, value));
    if (name === 'pause' && typeof value === 'boolean') this.#setPaused(value);
  }

  stop(): void {
    clearTimeout(this.#replayTimer);
    this.#pump.stop();
  }

  #setPaused(isPaused: boolean): void {
    if (isPaused) this.#pump.pause();
    else this.#pump.resume();
    this.#tell(isPaused ? 'NetStream.Pause.Notify' : 'NetStream.Unpause.Notify', '');
    this.#begin(isPaused ? STREAM_EOF : STREAM_BEGIN);
  }

  #seek(toMs: number): void {
    clearTimeout(this.#replayTimer);
    this.#begin(STREAM_EOF);
    this.#tell('NetStream.Seek.Notify', 'Seeking.');
    this.#begin(STREAM_IS_RECORDED, STREAM_BEGIN);
    this.#tell('NetStream.Play.Start', 'Started playing.');
    this.#pump.play(toMs);
  }

  #end(): void {
    const { rtmp, streamId } = this.#parts;
    const status = { level: 'status', code: 'NetStream.Play.Complete', duration: this.durationSeconds };
    const body = encodeAmf(['onPlayStatus', status]);
    this.#send([{ type: DATA, timestampMs: this.#lastTimestampMs, body }]);
    this.#tell('NetStream.Play.Stop', 'Stopped playing.');
    rtmp.rtmp.sendStreamStatus(STREAM_EOF, streamId);
    this.#replayTimer = setTimeout(() => rtmp.socket.end(), REPLAY_MS);
    this.#replayTimer.unref();
  }

  #begin(...events: number[]): void {
    for (const event of events) this.#parts.rtmp.rtmp.sendStreamStatus(event, this.#parts.streamId);
  }

  #tell(code: string, description: string): void {
    this.#parts.rtmp.rtmp.sendStatusMessage(this.#parts.streamId, 'status', code, description);
  }

  #send(messages: FlvMessage[]): number {
    const { rtmp, streamId } = this.#parts;
    let bytes = 0;
    rtmp.socket.cork();
    for (const message of messages) {
      const chunks = muxRtmpMessage(message, streamId);
      bytes += chunks.length;
      rtmp.sendBuffer(chunks);
      this.#lastTimestampMs = message.timestampMs;
    }
    rtmp.socket.uncork();
    return bytes;
  }
}
