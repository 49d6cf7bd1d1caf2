import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { AccessObserver } from '../access/observer';
import type { HttpObserver } from '../http/access-log';
import type { PackagerEvent } from '../packager/packager-event';

export interface Metrics extends AccessObserver, HttpObserver {
  packaged(seconds: number): void;
  packagerDid(event: PackagerEvent): void;
  expose(): Promise<{ mime: string; text: string }>;
}

const PROTOCOL_OF: Record<string, string> = {
  'multivariant-playlist': 'hls',
  'media-playlist': 'hls',
  manifest: 'dash',
  'init-segment': 'cmaf',
  segment: 'cmaf',
  progressive: 'mp4',
  download: 'download',
};

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

/** Labels are drawn from fixed sets: no credential, hash or address can become one. */
export function createMetrics(readSessions: () => number): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const to = createInstruments([registry], readSessions);
  return {
    answered(route, status, bytes) {
      to.requests.inc({ route, status: String(status) });
      to.bytes.inc({ protocol: PROTOCOL_OF[route] ?? 'none' }, bytes);
    },
    introspected: (result) => to.asked.inc({ result }),
    introspectionSpared: () => to.spared.inc(),
    signatureChecked: () => to.signatures.inc(),
    synced(result, seconds) {
      to.syncs.inc({ result });
      to.syncSeconds.observe(seconds);
    },
    sessionEnded: () => to.ended.inc(),
    packagerDid: (event) => to.packager.inc({ event }),
    packaged: (seconds) => to.packaging.observe(seconds),
    expose: async () => ({ mime: registry.contentType, text: await registry.metrics() }),
  };
}
