import type { GrantedAsset } from '../../../server/contracts';
import type { AssetPlan } from './asset-plan';
import type { FilmWorker, PlannedFile } from './film-task';
import type { MemoryCache } from './memory-cache';
import type { PacketRun, StreamOutline } from './packet-run';
import type { RunBytes } from './run-cut';
import { SingleFlight } from './single-flight';
import type { StreamCoding } from './stream-coding';
import { orderCoding, orderRun, outlineStream, planStream, type StreamPlan } from './stream-plan';
import type { TrackPlan } from './track-plan';

function splitRun({ data, packets }: RunBytes): PacketRun {
  let offset = 0;
  return {
    packets: packets.map(({ byteLength, ...packet }) => {
      const bytes = Buffer.from(data, offset, byteLength);
      offset += byteLength;
      return { ...packet, data: bytes };
    }),
  };
}

function filmOf({ video, audio }: StreamPlan): TrackPlan {
  const plan = video ?? audio;
  if (!plan) throw new TypeError('a stream has a picture or a sound');
  return plan;
}

export interface RunSupplyOptions {
  worker: FilmWorker;
  resolve(storageKey: string): Promise<string>;
  memory: MemoryCache;
}

/** Packet runs from memory or the film, each read once however many watch. */
export class RunSupply {
  readonly #reading = new SingleFlight<PacketRun>();
  readonly #codings = new WeakMap<AssetPlan, Promise<StreamCoding>>();

  constructor(private readonly options: RunSupplyOptions) {}

  async outline(plan: AssetPlan): Promise<StreamOutline> {
    const stream = planStream(plan);
    return outlineStream(stream, await this.#codingOf(plan, stream));
  }

  /** Null: there is no such run. */
  async take(asset: GrantedAsset, plan: AssetPlan, index: number): Promise<PacketRun | null> {
    const stream = planStream(plan);
    if (stream.runStartsSeconds[index] === undefined) return null;
    const { stamp } = filmOf(stream);
    const key = JSON.stringify(['run', asset.id, asset.contentVersion, stamp, index]);
    return this.options.memory.run(key) ?? this.#reading.run(key, () => this.#read(key, stream, index));
  }

  async #read(key: string, stream: StreamPlan, index: number): Promise<PacketRun> {
    const read = await this.options.worker.readRun(await this.#fileOf(stream), orderRun(stream, index));
    const run = splitRun(read);
    this.options.memory.keepRun(key, run, read.data.byteLength);
    return run;
  }

  #codingOf(plan: AssetPlan, stream: StreamPlan): Promise<StreamCoding> {
    const known = this.#codings.get(plan);
    if (known) return known;
    const reading = this.#fileOf(stream).then((file) => this.options.worker.readCoding(file, orderCoding(stream)));
    this.#codings.set(plan, reading);
    // Failures are not kept.
    reading.catch(() => this.#codings.delete(plan));
    return reading;
  }

  async #fileOf(stream: StreamPlan): Promise<PlannedFile> {
    const { rendition, stamp, filmPackets: packets } = filmOf(stream);
    return { path: await this.options.resolve(rendition.storageKey), stamp, packets };
  }
}
