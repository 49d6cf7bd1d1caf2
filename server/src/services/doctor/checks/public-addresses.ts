import { configOf } from '../../../config';
import type { Check, Examination } from '../examination';
import { fail, type Judgement, ok, warn } from '../finding';

const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[?::1\]?)$/;
/** As large as whole networks: of these no single proxy consists. */
const WIDEST_IPV4 = 8;
const WIDEST_IPV6 = 16;

export const isLoopback = (host: string): boolean => LOOPBACK_HOST.test(host);

function isUnencrypted(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname } = new URL(address);
  return protocol === 'http:' && !isLoopback(hostname);
}

function isWholeNetwork(entry: string): boolean {
  const [address = '', bits] = entry.split('/');
  return bits !== undefined && Number(bits) < (address.includes(':') ? WIDEST_IPV6 : WIDEST_IPV4);
}

function judgeAddresses({ strapi }: Examination): Judgement[] {
  const { mode, publicUrl } = configOf(strapi).streamer;
  const found: Judgement[] = [];
  if (mode === 'external' && publicUrl === undefined) {
    found.push(fail('streamer.mode is "external", and viewers have no address.', 'Set streamer.publicUrl.'));
  }
  if (publicUrl !== undefined && isUnencrypted(publicUrl)) {
    found.push(fail(`streamer.publicUrl is ${publicUrl}: tokens and films travel unencrypted.`, 'Use https.'));
  }
  const siteUrl: unknown = strapi.config.get('server.url');
  if (typeof siteUrl === 'string' && isUnencrypted(siteUrl)) {
    found.push(fail(`server.url is ${siteUrl}: passwords, tokens and films travel unencrypted.`, 'Use https.'));
  }
  return found;
}

function judgeProxies({ strapi }: Examination): Judgement[] {
  const { publicUrl, trustedProxies } = configOf(strapi).streamer;
  const found: Judgement[] = [];
  const wide = trustedProxies.filter(isWholeNetwork);
  if (wide.length > 0) {
    const message = `streamer.trustedProxies trusts ${wide.join(', ')}: anybody there may claim any address.`;
    found.push(fail(message, 'Name the addresses of your reverse proxies alone.'));
  }
  const siteUrl: unknown = strapi.config.get('server.url');
  const isBehindOne =
    strapi.config.get('server.proxy.koa') === true || (typeof siteUrl === 'string' && siteUrl.startsWith('https:'));
  if (isBehindOne && publicUrl === undefined && trustedProxies.length === 0) {
    const message =
      'Strapi is behind a reverse proxy, and streamer.trustedProxies is empty: all viewers seem to be one.';
    found.push(warn(message, 'Name the proxy in streamer.trustedProxies.'));
  }
  return found;
}

function judgeListeners({ strapi }: Examination): Judgement[] {
  const { mode, host, opsHost } = configOf(strapi).streamer;
  if (mode === 'external') return [];
  const found: Judgement[] = [];
  if (!isLoopback(opsHost)) {
    found.push(warn(`Metrics are open to whoever reaches ${opsHost}.`, 'Set streamer.opsHost to 127.0.0.1.'));
  }
  if (!isLoopback(host)) {
    const message = `The streamer listens on ${host} without TLS, past every reverse proxy.`;
    found.push(warn(message, 'Set streamer.host to 127.0.0.1, or close its port to strangers.'));
  }
  return found;
}

export const publicAddresses: Check = {
  name: 'addresses',
  run(examination) {
    const found = [judgeAddresses, judgeProxies, judgeListeners].flatMap((judge) => judge(examination));
    return found.length > 0 ? found : [ok('public addresses, trusted proxies and listeners are plausible')];
  },
};
