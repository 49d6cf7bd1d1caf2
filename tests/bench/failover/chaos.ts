import { setTimeout as delay } from 'node:timers/promises';
import { mint } from '../../support/minting';
import { type Cluster, startCluster } from './cluster';
import { startIntruder } from './intruder';
import { startViewer, type Viewer } from './viewer';

const PAUSE_BETWEEN_KILLS_MS = 2_000;
const START_EVERY_MS = 100;
const INTRUSION_EVERY_MS = 50;
const WARM_UP_SECONDS = 15;

export interface ChaosOptions {
  viewerCount: number;
  /** How many of them lose their right on the way. */
  endedCount: number;
  seconds: number;
}

export interface ChaosFigures {
  kills: string[];
  viewers: number;
  /** Viewers who kept their right and were refused. */
  lost: number;
  /** Seconds beyond its buffer that the unluckiest viewer waited, and how many waited at all. */
  worstStallSeconds: number;
  stalled: number;
  intrusions: number;
  breaches: number;
  ended: number;
  revived: number;
  /** Seconds after the end at which an ended session was last served anything. */
  worstAfterEndSeconds: number;
  takeOvers: number;
}

async function killInTurn({ victims }: Cluster, until_: number, kills: string[]): Promise<void> {
  for (let at = 0; performance.now() < until_; at += 1) {
    // A Strapi and a streamer by turns.
    const victim = victims[(at * 2) % victims.length];
    if (victim === undefined) return;
    kills.push(victim.name);
    await victim.kill();
    await victim.restart();
    await delay(PAUSE_BETWEEN_KILLS_MS);
  }
}

/** Ends one session after another, through a node that lives, while the others are being killed. */
async function endSome(cluster: Cluster, viewers: Viewer[], seconds: number): Promise<number[]> {
  const endedAt: number[] = [];
  for (const [at, viewer] of viewers.entries()) {
    viewer.insist();
    await delay((seconds * 500) / viewers.length);
    const user = cluster.users[at];
    await cluster.app.strapi.plugin('users-permissions').service('user').edit(user?.id, { blocked: true });
    endedAt.push(Date.now());
  }
  return endedAt;
}

/** The first viewers have a user of their own each; the others share the last one. */
function viewersOf(cluster: Cluster, { viewerCount, endedCount }: ChaosOptions) {
  return async () => {
    const viewers: Viewer[] = [];
    for (let at = 0; at < viewerCount; at += 1) {
      const user = cluster.users[Math.min(at, endedCount)];
      const begin = async () =>
        (await mint({ ...cluster.app, url: cluster.url }, cluster.video, user?.jwt ?? '')).urls.hls;
      const from = `127.${1 + (at >> 8)}.${at & 255}.1`;
      viewers.push(startViewer({ begin: async () => (await begin()) ?? '', from, agent: `player ${at}` }));
      await delay(START_EVERY_MS);
    }
    return viewers;
  };
}

async function takeOversOf(cluster: Cluster): Promise<number> {
  const rows = await cluster.app.strapi.db.query('plugin::protected-vod.playback-session').findMany();
  return rows.reduce((sum: number, { generation }: { generation: number }) => sum + generation, 0);
}

/** Runs a site of several nodes with viewers, intruders and endings while its processes are killed one after another. */
export async function runChaos(options: ChaosOptions): Promise<ChaosFigures> {
  const { seconds, endedCount, viewerCount } = options;
  const filmSeconds = seconds + WARM_UP_SECONDS + Math.ceil((viewerCount * START_EVERY_MS) / 1000) + 60;
  const cluster = await startCluster({ filmSeconds, userCount: endedCount + 1 });
  try {
    const viewers = await viewersOf(cluster, options)();
    // No deadline but the test's: nothing is measured before.
    while (!viewers.every((viewer) => viewer.playedSeconds() > 0)) await delay(100);
    const intruder = startIntruder(viewers, INTRUSION_EVERY_MS);
    const kills: string[] = [];
    const losers = viewers.slice(0, endedCount);
    const keepers = viewers.slice(endedCount);
    const [, endedAt] = await Promise.all([
      killInTurn(cluster, performance.now() + seconds * 1000, kills),
      endSome(cluster, losers, seconds),
    ]);
    await intruder.stop();
    const takeOvers = await takeOversOf(cluster);
    for (const viewer of viewers) viewer.stop();
    await Promise.all(viewers.map(({ done }) => done));
    const stalls = keepers.map((viewer) => viewer.stalledSeconds());
    const afterEnd = losers.map((viewer, at) => (viewer.lastServedAt() - (endedAt[at] ?? 0)) / 1000);
    return {
      kills,
      viewers: viewerCount,
      lost: keepers.filter((viewer) => viewer.refusal() !== null).length,
      worstStallSeconds: Math.max(...stalls),
      stalled: stalls.filter((stall) => stall > 0.1).length,
      intrusions: intruder.attempts(),
      breaches: intruder.breaches(),
      ended: losers.length,
      revived: losers.filter((viewer) => viewer.revived()).length,
      worstAfterEndSeconds: Math.max(0, ...afterEnd),
      takeOvers,
    };
  } finally {
    await cluster.stop();
  }
}

export function describeChaos(figures: ChaosFigures): string {
  const { kills, viewers, lost, worstStallSeconds, stalled, intrusions, breaches, ended, takeOvers } = figures;
  return [
    `${kills.length} processes killed: ${kills.join(', ')}`,
    `${viewers - ended} viewers: ${lost} refused, ${stalled} stalled, the longest ${worstStallSeconds.toFixed(1)} s beyond its buffer`,
    `${intrusions} intrusions: ${breaches} served; ${takeOvers} take-overs`,
    `${ended} sessions ended: ${figures.revived} revived, last byte ${figures.worstAfterEndSeconds.toFixed(1)} s after the end`,
  ].join('\n');
}
