import { generateKeyPairSync } from 'node:crypto';
import type { StandInPlugin } from '../stand-in-plugin';
import { conversationsOf, type Door } from './conversations';
import { mutate } from './mutations';
import type { ProbedStreamer } from './probed-streamer';
import { createRandom, type Random } from './random';
import { visit } from './strangers';

const VIEWERS = 60;
const AT_ONCE = 64;

/** One network with a token of its own; some of what it says is signed by nobody. */
interface Viewer {
  from: string;
  token: string;
  sessionId: string | null;
}

async function inviteViewers(plugin: StandInPlugin, random: Random): Promise<Viewer[]> {
  const site = random.below(200);
  const invite = async (_: unknown, at: number): Promise<Viewer> => ({
    from: `127.${20 + site}.${at}.9`,
    token: await plugin.mint({ protocols: plugin.terms.protocols }),
    sessionId: null,
  });
  return Promise.all(Array.from({ length: VIEWERS }, invite));
}

const stranger = generateKeyPairSync('ed25519').privateKey;

async function badCredential(plugin: StandInPlugin, random: Random): Promise<string> {
  const forged = () => plugin.mint({ key: stranger });
  const expired = () => plugin.mint({ expiresInSeconds: -60 });
  const garbage = async () => random.bytes(30).toString('base64url');
  const guessed = async () => `ps_${random.bytes(30).toString('base64url')}`;
  const empty = async () => '';
  const foreign = () => plugin.mint({ protocols: plugin.terms.protocols, claims: { vid: 'video2' } });
  return random.pick([forged, expired, garbage, guessed, empty, foreign])();
}

async function credentialOf(viewer: Viewer, plugin: StandInPlugin, random: Random): Promise<string> {
  if (random.next() < 0.2) return badCredential(plugin, random);
  if (random.next() < 0.05) viewer.token = await plugin.mint({ protocols: plugin.terms.protocols });
  // Known once the token was redeemed, which a mutated conversation may not have done.
  if (random.next() < 0.7) {
    try {
      return plugin.sessionOf(viewer.token);
    } catch {
      return viewer.token;
    }
  }
  return viewer.token;
}

/**
 * Lets `count` mutated conversations loose on the streamer, some dozens at a time. The same seed gives the same mutations;
 * tokens differ. Resolves with how many of them got more than a refusal.
 */
export async function letLoose(streamer: ProbedStreamer, count: number, seed: number): Promise<number> {
  const random = createRandom(seed);
  const viewers = await inviteViewers(streamer.plugin, random);
  let left = count;
  let served = 0;
  async function one(): Promise<void> {
    const viewer = random.pick(viewers);
    const conversations = conversationsOf(await credentialOf(viewer, streamer.plugin, random));
    const door = random.pick<Door>(['rtmp', 'http']);
    const mine = random.pick(conversations.filter((conversation) => conversation.door === door));
    const mutant = mutate(mine, random.pick(conversations), random);
    const from = mutant.name.includes('reverse proxy') ? '127.0.0.1' : viewer.from;
    if ((await visit(mutant, { port: streamer.ports[mutant.door], from })) > 8192) served += 1;
  }
  async function worker(): Promise<void> {
    for (; left > 0; ) {
      left -= 1;
      await one();
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return served;
}
