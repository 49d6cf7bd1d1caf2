import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { describeClient } from '../access/client';
import type { Clock } from '../access/clock';
import type { Admission, Gate, PlaybackSession } from '../access/gate';
import { codeOf, describeCause } from '../errors';
import { type Logger, sessionName } from '../logger';
import type { Packager } from '../packager/packager';
import { openFilmStream } from './film-stream';
import { GuardedSession, ProtocolViolation, type RtmpCommand } from './guarded-session';
import { RtmpPlayer } from './rtmp-player';
import { readStreamAddress } from './stream-address';
import type { StreamObserver } from './stream-observer';

/** From the first byte to an admitted `play`. */
const START_MS = 10_000;
/** Without a byte in either direction; a paused viewer is silent. */
const IDLE_MS = 600_000;
/** How long a refused client may take to read why. */
const FAREWELL_MS = 2_000;
const MAX_AGENT_LENGTH = 256;

// One sentence, whatever the reason: an answer before the gate must not tell why.
const REFUSED = 'Forbidden.';

export interface VodParts {
  gate: Gate;
  packager: Packager;
  clock: Clock;
  logger: Logger;
  observer: StreamObserver;
}

export interface Wire {
  socket: Socket;
  /** The viewer's, in its normal form. */
  address: string;
  /** Closes with a reset, so that nothing left in the socket's buffers is sent either (S15). */
  reset(): void;
  /** The client was admitted and no longer counts as waiting. */
  admitted(): void;
}

/** One RTMP connection: asks the gate once, plays one film, and goes. Before the gate has said yes nothing tells of a film. */
export class VodConnection {
  readonly #wire: Wire;
  readonly #parts: VodParts;
  readonly #rtmp: GuardedSession;
  readonly #startTimer: NodeJS.Timeout;
  readonly #openedAt = performance.now();
  readonly #handlers: Record<string, (command: RtmpCommand) => void> = {
    connect: (given) => this.#connect(given),
    createStream: ({ transactionId }) => this.#rtmp.createStream(transactionId),
    play: (given) => this.#play(given),
    publish: (given) => this.#refusePublishing(given),
    getStreamLength: (given) => this.#tellLength(given),
    closeStream: () => this.#leave(),
    deleteStream: () => this.#leave(),
  };
  #phase: 'waiting' | 'asking' | 'playing' | 'closed' = 'waiting';
  #app: string | null = null;
  #agent = '';
  #streamId = 0;
  #session: PlaybackSession | null = null;
  #player: RtmpPlayer | null = null;
  #sessionHash: string | undefined;
  #reason: string | undefined;

  constructor(wire: Wire, parts: VodParts) {
    this.#wire = wire;
    this.#parts = parts;
    const { socket } = wire;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    this.#startTimer = setTimeout(() => socket.destroy(), START_MS);
    this.#rtmp = new GuardedSession(socket, (command) => this.#onCommand(command));
    socket.once('close', () => this.#close());
    this.#rtmp.open();
    parts.observer.streamOpened('rtmp');
  }

  #onCommand(command: RtmpCommand): void {
    // What else players say (`_checkbw`, `FCSubscribe`, …) needs no answer.
    if (Object.hasOwn(this.#handlers, command.name)) this.#handlers[command.name]?.(command);
    else this.#player?.command(command);
  }

  #connect({ transactionId, values: [given] }: RtmpCommand): void {
    const { app, flashVer } = { ...(typeof given === 'object' ? given : null) } as Record<string, unknown>;
    if (typeof app !== 'string' || this.#app !== null) throw new ProtocolViolation('connect');
    this.#app = app;
    this.#agent = typeof flashVer === 'string' ? flashVer.slice(0, MAX_AGENT_LENGTH) : '';
    // AMF 0 whatever the client would rather speak, and none of its own URL: node-media-server parses it.
    this.#rtmp.rtmp.onConnect({
      transId: transactionId,
      cmdObj: { app: '', tcUrl: 'rtmp://localhost/', objectEncoding: 0 },
    });
  }

  #play({ values: [, name, start], streamId }: RtmpCommand): void {
    if (this.#app === null || typeof name !== 'string') throw new ProtocolViolation('play');
    if (this.#phase !== 'waiting') return;
    this.#phase = 'asking';
    this.#streamId = streamId;
    // Players send milliseconds; -2000 and -1000 ask for what there is.
    const fromMs = typeof start === 'number' && start > 0 && Number.isFinite(start) ? start : 0;
    this.#ask(this.#app, name)
      .then((admission) => this.#answer(admission, fromMs))
      .catch((error: unknown) => this.#fail(error));
  }

  async #ask(app: string, name: string): Promise<Admission> {
    const { credential, resource } = readStreamAddress(app, name);
    const client = describeClient(this.#wire.address, `rtmp ${this.#agent}`);
    return this.#parts.gate.admit({ method: 'GET', credential, resource, client, inPlace: true });
  }

  async #answer(admission: Admission, fromMs: number): Promise<void> {
    if (admission.kind !== 'admitted') {
      this.#sessionHash = admission.sessionHash;
      this.#reason = admission.kind === 'refused' ? admission.reason : 'redirected';
      return this.#reject('NetStream.Play.Failed', REFUSED);
    }
    const { session } = admission;
    if (this.#isClosed()) return session.release();
    this.#session = session;
    this.#sessionHash = session.sessionHash;
    this.#wire.admitted();
    session.onEnd(() => this.#cut(undefined));
    await this.#start(session, fromMs);
  }

  async #start(session: PlaybackSession, fromMs: number): Promise<void> {
    const { packager, clock } = this.#parts;
    const stream = await openFilmStream(packager, session);
    if (this.#isClosed()) return;
    if (!session.mayContinue()) return this.#cut(undefined);
    if (stream === null) return this.#rejectFilm('unsupported-codec');
    clearTimeout(this.#startTimer);
    this.#phase = 'playing';
    this.#player = new RtmpPlayer({
      rtmp: this.#rtmp,
      streamId: this.#streamId,
      stream,
      session,
      clock,
      cut: (reason) => this.#cut(reason),
      failed: (error) => this.#fail(error),
    });
    this.#player.start(fromMs);
  }

  #refusePublishing({ streamId }: RtmpCommand): void {
    if (this.#phase !== 'waiting') throw new ProtocolViolation('publish');
    this.#streamId = streamId;
    this.#reason = 'publish-refused';
    this.#reject('NetStream.Publish.BadName', REFUSED);
  }

  #tellLength({ transactionId }: RtmpCommand): void {
    const info = this.#player?.durationSeconds ?? 0;
    this.#rtmp.rtmp.sendInvokeMessage(0, { cmd: '_result', transId: transactionId, cmdObj: null, info });
  }

  #leave(): void {
    if (this.#phase === 'playing') this.#wire.socket.end();
  }

  #isClosed(): boolean {
    return this.#phase === 'closed';
  }

  #rejectFilm(reason: string): void {
    this.#reason = reason;
    this.#reject('NetStream.Play.StreamNotFound', 'Not Found.');
  }

  #reject(code: string, description: string): void {
    if (this.#isClosed()) return;
    const { socket } = this.#wire;
    this.#phase = 'closed';
    this.#rtmp.rtmp.sendStatusMessage(this.#streamId, 'error', code, description);
    socket.end();
    setTimeout(() => socket.destroy(), FAREWELL_MS).unref();
  }

  #cut(reason: string | undefined): void {
    this.#reason ??= reason;
    this.#wire.reset();
  }

  #fail(error: unknown): void {
    const code = codeOf(error) ?? 'unexpected';
    const cause = error instanceof Error && error.cause !== undefined ? describeCause(error.cause) : undefined;
    this.#parts.logger.error({ route: 'rtmp', code, message: describeCause(error), cause }, 'request failed');
    if (this.#phase === 'playing') this.#cut(code);
    else this.#rejectFilm(code);
  }

  #close(): void {
    this.#phase = 'closed';
    clearTimeout(this.#startTimer);
    this.#player?.stop();
    this.#session?.release();
    this.#log();
  }

  /** One line per connection, as HTTP has one per response. */
  #log(): void {
    const { logger, observer } = this.#parts;
    const bytes = this.#wire.socket.bytesWritten;
    const ms = Math.round(performance.now() - this.#openedAt);
    const session = this.#sessionHash === undefined ? undefined : sessionName(this.#sessionHash);
    observer.streamClosed('rtmp', bytes);
    logger.info({ requestId: randomUUID(), route: 'rtmp', session, bytes, ms, reason: this.#reason }, 'response');
  }
}
