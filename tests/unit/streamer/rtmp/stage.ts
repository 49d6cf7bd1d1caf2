import { copyFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { type RtmpSettings, rtmpSettingsSchema } from '../../../../server/contracts';
import type { Packager } from '../../../../streamer/src/packager/packager';
import type { StreamOutline, StreamPacket } from '../../../../streamer/src/packager/packet-run';
import { RtmpClient } from '../../../clients/rtmp.mjs';
import { CLIP } from '../../../support/films';
import { plainPackager, type Site, type SiteOptions, startSite } from '../access/harness';

export const GOP_MS = 2_000;
const FRAME_MS = 40;

/** Sixty seconds of pictures 40 ms apart, a key picture every two seconds, and a sound every 20 ms; no film is read. */
export function drawnPackager(
  overrides: { bytesPerPicture?: number; outline?: Partial<StreamOutline> } = {},
): Packager {
  const { bytesPerPicture = 1000 } = overrides;
  const outline: StreamOutline = {
    durationMs: 60_000,
    video: { codec: 'avc', description: Buffer.from([1, 100, 0, 31]), width: 640, height: 360, frameRate: 25 },
    audio: { codec: 'aac', description: Buffer.from([0x12, 0x10]), sampleRate: 44_100, channels: 2 },
    runStartsMs: Array.from({ length: 10 }, (_, index) => index * 6_000),
    ...overrides.outline,
  };
  const packetsOf = (index: number): StreamPacket[] => {
    const start = index * 6_000;
    const pictures = Array.from({ length: 6_000 / FRAME_MS }, (_, number): StreamPacket => {
      const dtsMs = start + number * FRAME_MS;
      const data = Buffer.alloc(bytesPerPicture, number);
      return { kind: 'video', dtsMs, ptsMs: dtsMs + (number % 3) * FRAME_MS, key: dtsMs % GOP_MS === 0, data };
    });
    const sounds = Array.from({ length: 6_000 / 20 }, (_, number): StreamPacket => {
      const dtsMs = start + number * 20;
      return { kind: 'audio', dtsMs, ptsMs: dtsMs, key: true, data: Buffer.alloc(50, number) };
    });
    return [...pictures, ...sounds].sort((one, other) => one.dtsMs - other.dtsMs);
  };
  return {
    ...plainPackager,
    streamOutline: async () => outline,
    packetRun: async (_asset, index) => (index < outline.runStartsMs.length ? { packets: packetsOf(index) } : null),
  };
}

export interface Stage extends Site {
  /** `rtmp://…` of the granted film, or of another name. */
  rtmpUrl(credential: string, name?: string): string;
  /** Connects and asks to play with a fresh token. */
  play(options?: { startMs?: number }): Promise<RtmpClient>;
}

export interface StageOptions extends SiteOptions {
  rtmp?: Partial<RtmpSettings>;
  /** Default: `drawnPackager()`; `film`: the real clip. */
  show?: Packager | 'film';
}

/** A streamer that speaks RTMP too, with a stand-in plugin that grants all protocols. */
export async function startStage({ rtmp, show = drawnPackager(), ...options }: StageOptions = {}): Promise<Stage> {
  const packaging = show === 'film' ? {} : { packager: show };
  const site = await startSite({
    ...options,
    packager: 'real',
    settings: { rtmp: rtmpSettingsSchema.parse(rtmp ?? {}), ...options.settings },
    overrides: { ...packaging, ...options.overrides },
  });
  const { plugin, storageRoot } = site;
  plugin.terms.protocols = ['hls', 'dash', 'mp4', 'http-flv', 'ws-flv', 'rtmp'];
  if (show === 'film') {
    copyFileSync(CLIP, path.join(storageRoot, 'films/film.mp4'));
    plugin.terms.asset.renditions = [{ id: 'source', storageKey: 'films/film.mp4', sizeBytes: statSync(CLIP).size }];
    plugin.terms.asset.durationSeconds = 30;
  }
  const rtmpUrl = (credential: string, name = plugin.terms.video) =>
    `rtmp://127.0.0.1:${site.rtmpPort ?? 0}/vod/${name}?token=${credential}`;
  return Object.assign(site, {
    rtmpUrl,
    play: async (how = {}) => RtmpClient.open(rtmpUrl(await plugin.mint({ protocols: plugin.terms.protocols })), how),
  });
}
