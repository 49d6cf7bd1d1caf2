import { configOf } from '../../../config';
import type { Check } from '../examination';
import { fail, type Judgement, ok, warn } from '../finding';
import { isLoopback } from './public-addresses';

const TLS = 'Serve RTMPS (streamer.rtmp.tls) and set streamer.rtmp.port to null.';

/** S21: off loopback only with TLS, or by an explicit word. */
export const rtmp: Check = {
  name: 'rtmp',
  run({ strapi }) {
    const { mode, rtmp: settings } = configOf(strapi).streamer;
    const { enabled, host, port, allowPlaintext, publicUrl, tls } = settings;
    const found: Judgement[] = [];
    if (enabled && publicUrl?.startsWith('rtmp:') && !isLoopback(new URL(publicUrl).hostname)) {
      found.push(fail(`Viewers are sent to ${publicUrl}: tokens and films travel unencrypted.`, TLS));
    }
    const isOpen = mode === 'managed' && enabled && port !== null && !isLoopback(host);
    if (isOpen && !allowPlaintext)
      found.push(fail(`Plain RTMP on ${host} is refused: the streamer does not start.`, TLS));
    if (isOpen && allowPlaintext) found.push(warn(`Plain RTMP is open on ${host}: tokens travel unencrypted.`, TLS));
    if (found.length > 0) return found;
    if (!enabled) return [ok('RTMP is off')];
    if (mode === 'external') return [ok('no unencrypted RTMP address is given to viewers')];
    return [ok(tls === undefined ? 'RTMP is on loopback only' : 'RTMPS, and plain RTMP on loopback at most')];
  },
};
