import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AccessObserver } from '../access/observer';
import type { HttpObserver } from '../http/access-log';
import type { PackagerEvent } from '../packager/packager-event';
import type { StreamObserver } from '../rtmp/stream-observer';

export interface Metrics extends AccessObserver, HttpObserver, StreamObserver {
  packaged(seconds: number): void;
  packagerDid(event: PackagerEvent): void;
  expose(): Promise<{ mime: string; text: string }>;
}

const PROTOCOL_OF: Record<string, string> = {
  'multivariant-playlist': 'hls',
  'media-playlist': 'hls',
  'segment-key': 'hls',
  'text-playlist': 'hls',
  'text-segment': 'hls',
  manifest: 'dash',
  'init-segment': 'cmaf',
  segment: 'cmaf',
  progressive: 'mp4',
  download: 'download',
  flv: 'http-flv',
};

/** The default of 10 ms wakes an idle process a hundred times a second. */
const EVENT_LOOP_PRECISION_MS = 100;

const SECONDS = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1, 3];

function createInstruments(registers: Registry[], readSessions: () => number) {
  const name = (suffix: string): string => `protected_vod_${suffix}`;
  new Gauge({
    name: name('sessions'),
    help: 'Playback sessions held by this streamer',
    registers,
    collect() {
      this.set(readSessions());
    },
  });
  return {
    requests: new Counter({
      name: name('http_requests_total'),
      help: 'Responses',
      labelNames: ['route', 'status'],
      registers,
    }),
    streams: new Gauge({
      name: name('continuous_streams'),
      help: 'Open connections of RTMP, HTTP-FLV and WS-FLV',
      labelNames: ['protocol'],
      registers,
    }),
    bytes: new Counter({ name: name('bytes_total'), help: 'Bytes sent', labelNames: ['protocol'], registers }),
    asked: new Counter({
      name: name('introspections_total'),
      help: 'Introspections',
      labelNames: ['result'],
      registers,
    }),
    spared: new Counter({ name: name('introspections_spared_total'), help: 'Refused without asking', registers }),
    signatures: new Counter({ name: name('signature_checks_total'), help: 'Token signatures checked', registers }),
    syncs: new Counter({ name: name('syncs_total'), help: 'Syncs', labelNames: ['result'], registers }),
    syncSeconds: new Histogram({ name: name('sync_seconds'), help: 'Sync duration', buckets: SECONDS, registers }),
    ended: new Counter({ name: name('sessions_ended_total'), help: 'Sessions ended by the plugin', registers }),
    packager: new Counter({
      name: name('packager_events_total'),
      help: 'Segments cut and cache hits',
      labelNames: ['event'],
      registers,
    }),
    packaging: new Histogram({
      name: name('packaging_seconds'),
      help: 'Time to a segment',
      buckets: SECONDS,
      registers,
    }),
  };
}

interface Tally {
  add(name: string, status: number, bytes: number): void;
  /** Hands over what was counted since the last time. */
  drain(take: (name: string, status: number, count: number, bytes: number) => void): void;
}

/** Counts what happens with every request; finding the labelled counter each time would cost more than the gate. */
function createTally(): Tally {
  const counts = new Map<string, Map<number, { count: number; bytes: number }>>();
  return {
    add(name, status, bytes) {
      const byStatus = counts.get(name) ?? new Map<number, { count: number; bytes: number }>();
      if (byStatus.size === 0) counts.set(name, byStatus);
      const entry = byStatus.get(status);
      if (entry === undefined) {
        byStatus.set(status, { count: 1, bytes });
        return;
      }
      entry.count += 1;
      entry.bytes += bytes;
    },
    drain(take) {
      for (const [name, byStatus] of counts) {
        for (const [status, { count, bytes }] of byStatus) take(name, status, count, bytes);
      }
      counts.clear();
    },
  };
}

/** Labels are drawn from fixed sets: no credential, hash or address can become one. */
export function createMetrics(readSessions: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: EVENT_LOOP_PRECISION_MS });
  const to = createInstruments([registry], readSessions);
  const answers = createTally();
  const packagerEvents = createTally();
  return {
    answered: (route, status, bytes) => answers.add(route, status, bytes),
    streamOpened: (protocol) => to.streams.inc({ protocol }),
    streamClosed(protocol, bytes) {
      to.streams.dec({ protocol });
      to.bytes.inc({ protocol }, bytes);
    },
    introspected: (result) => to.asked.inc({ result }),
    introspectionSpared: () => to.spared.inc(),
    signatureChecked: () => to.signatures.inc(),
    synced(result, seconds) {
      to.syncs.inc({ result });
      to.syncSeconds.observe(seconds);
    },
    sessionEnded: () => to.ended.inc(),
    packagerDid: (event) => packagerEvents.add(event, 0, 0),
    packaged: (seconds) => to.packaging.observe(seconds),
    async expose() {
      answers.drain((route, status, count, bytes) => {
        to.requests.inc({ route, status: String(status) }, count);
        to.bytes.inc({ protocol: PROTOCOL_OF[route] ?? 'none' }, bytes);
      });
      packagerEvents.drain((event, _status, count) => to.packager.inc({ event }, count));
      return { mime: registry.contentType, text: await registry.metrics() };
    },
  };
}
