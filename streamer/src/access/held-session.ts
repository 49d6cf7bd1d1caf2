import type { Grant, GrantedAsset, Resource, SessionUsage } from '../../../server/contracts';
import type { Clock } from './clock';
import { MediaPace, type PacedKind } from './media-pace';
import { permits } from './rights';

/** One running response. Destroying it closes its connection, blocked or not. */
export interface OpenResponse {
  resource: Resource;
  addressPrefix: string;
  destroy(): void;
}

/** A running session keeps its playlists, and its stream: renditions that were made since it began are for the next one. */
function withoutNew(asset: GrantedAsset, before: GrantedAsset): GrantedAsset {
  if (asset.id !== before.id || asset.contentVersion !== before.contentVersion) return asset;
  const known = new Set(before.renditions.map(({ id }) => id));
  const renditions = asset.renditions.filter(({ id }) => known.has(id));
  return renditions.length > 0 ? { ...asset, renditions } : asset;
}

/**
 * What this streamer knows of one session: the grant, how long it is good for, and what was done with it. Holding one says
 * nothing about who is asking: only the gate turns it into a right to be served.
 */
export class HeldSession {
  readonly id: string;
  readonly hash: string;
  /** Hashes of the tokens that lead here, dropped with the session (S11). */
  readonly tokenHashes = new Set<string>();
  readonly pace: MediaPace;
  readonly #clock: Clock;
  readonly #open = new Set<OpenResponse>();
  #grant: Grant;
  #grantSentAt: number;
  #outage = false;
  #ended = false;
  #lastActivityAt: number;
  #bytes = 0;

  constructor(identity: { id: string; hash: string }, grant: Grant, sentAt: number, clock: Clock) {
    this.id = identity.id;
    this.hash = identity.hash;
    this.#clock = clock;
    this.#grant = grant;
    this.#grantSentAt = sentAt;
    this.#lastActivityAt = clock();
    this.pace = new MediaPace(clock);
  }

  get grant(): Grant {
    return this.#grant;
  }

  get inOutage(): boolean {
    return this.#outage;
  }

  get openResponses(): number {
    return this.#open.size;
  }

  /** S18: grace is added only while the plugin is known to be unreachable. */
  isLive(): boolean {
    if (this.#ended) return false;
    const graceSeconds = this.#outage ? this.#grant.outageGraceSeconds : 0;
    return this.#clock() < this.#grantSentAt + (this.#grant.leaseSeconds + graceSeconds) * 1000;
  }

  /** Whether the plugin, too, takes lease and grace for over: nobody has to wait for this streamer any more (S12). */
  hasLapsed(): boolean {
    const { leaseSeconds, outageGraceSeconds } = this.#grant;
    return this.#clock() >= this.#grantSentAt + (leaseSeconds + outageGraceSeconds) * 1000;
  }

  /** Whole milliseconds; an open response, also a blocked one, is activity (S12). */
  idleMs(): number {
    return this.#open.size > 0 ? 0 : Math.floor(this.#clock() - this.#lastActivityAt);
  }

  /** Takes a newer grant over; false if it is stale. Closes what the new grant no longer permits. */
  accept(grant: Grant, sentAt: number): boolean {
    if (this.#ended || grant.generation < this.#grant.generation) return false;
    if (grant.generation === this.#grant.generation && sentAt < this.#grantSentAt) return false;
    this.#grant = { ...grant, asset: withoutNew(grant.asset, this.#grant.asset) };
    this.#grantSentAt = sentAt;
    this.#outage = false;
    for (const response of [...this.#open]) if (!this.#stillPermits(response)) response.destroy();
    return true;
  }

  noteContact(reachable: boolean): void {
    this.#outage = !reachable;
  }

  open(response: OpenResponse): void {
    this.#open.add(response);
    this.#lastActivityAt = this.#clock();
  }

  close(response: OpenResponse): void {
    if (this.#open.delete(response)) this.#lastActivityAt = this.#clock();
  }

  countBytes(bytes: number): void {
    this.#bytes += bytes;
    this.#lastActivityAt = this.#clock();
  }

  countMedia(kind: PacedKind, seconds: number): void {
    this.pace.count(kind, seconds);
  }

  /** Usage since the last call; give it back with `restoreUsage` if the report did not arrive. */
  takeUsage(): SessionUsage {
    const bytes = this.#bytes;
    this.#bytes = 0;
    const mediaSeconds = this.pace.takeUnreported();
    return { session: this.hash, generation: this.#grant.generation, bytes, mediaSeconds, idleMs: this.idleMs() };
  }

  restoreUsage({ bytes, mediaSeconds }: SessionUsage): void {
    this.#bytes += bytes;
    this.pace.restoreUnreported(mediaSeconds);
  }

  hasUnreported(): boolean {
    return this.#bytes > 0 || this.pace.unreported > 0;
  }

  destroyResponses(concerned: (response: OpenResponse) => boolean = () => true): void {
    for (const response of [...this.#open]) if (concerned(response)) response.destroy();
  }

  /** Terminal. */
  end(): void {
    this.#ended = true;
    this.destroyResponses();
  }

  #stillPermits({ resource, addressPrefix }: OpenResponse): boolean {
    const isBound = this.#grant.anyClient === true || addressPrefix === this.#grant.client.addressPrefix;
    return isBound && permits(this.#grant, resource);
  }
}
