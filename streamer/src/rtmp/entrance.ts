import type { Socket } from 'node:net';
import type { RtmpSettings } from '../../../server/contracts';
import { normaliseAddress } from '../access/client';
import { parseTrusted } from '../access/client-address';
import type { ConnectionLimit } from '../access/connection-limit';
import { StreamError } from '../errors';
import { readProxyHeader } from './proxy-header';
import { WaitingRoom } from './waiting-room';

/** A TCP connection that was let in. */
export interface Guest {
  raw: Socket;
  /** The viewer's. */
  address: string;
  /** The viewer no longer counts as waiting. */
  admitted: () => void;
}

export interface EntranceParts {
  settings: RtmpSettings;
  /** Whose PROXY header is believed, where `settings` ask for one. */
  trustedProxies: readonly string[];
  mayConnect: ConnectionLimit;
}

export interface Entrance {
  /** Counts a TCP connection in; `welcome` is not called where it was turned away. */
  accept(raw: Socket, welcome: (guest: Guest) => void): void;
  cutAll(): void;
}

/** Finds out whose connection it is, and does not tell where that cannot be known. */
function createArrival({ settings, trustedProxies }: EntranceParts) {
  if (settings.proxyProtocol === true && trustedProxies.length === 0) {
    const how = 'Set trustedProxies (PROTECTED_VOD_TRUSTED_PROXIES) to the addresses of the proxies that send it.';
    throw new StreamError('settings-invalid', `The PROXY protocol of RTMP is believed of nobody. ${how}`);
  }
  const isProxy = parseTrusted(settings.proxyProtocol === true ? trustedProxies : []);
  return (socket: Socket, tell: (address: string) => void): void => {
    const peer = normaliseAddress(socket.remoteAddress ?? '');
    if (peer === null) socket.destroy();
    else if (isProxy(peer)) readProxyHeader(socket, (address) => tell(address ?? peer));
    else tell(peer);
  };
}

/** One for RTMP and RTMPS. Throws StreamError `settings-invalid` where a PROXY header is asked for and believed of nobody. */
export function createEntrance(parts: EntranceParts): Entrance {
  const waiting = new WaitingRoom();
  const open = new Set<Socket>();
  const whenArrived = createArrival(parts);
  return {
    accept(raw, welcome) {
      if (!parts.mayConnect(raw)) {
        raw.destroy();
        return;
      }
      open.add(raw);
      raw.once('close', () => open.delete(raw));
      whenArrived(raw, (address) => {
        const admitted = waiting.enter(address);
        if (admitted === null) {
          raw.destroy();
          return;
        }
        raw.once('close', admitted);
        welcome({ raw, address, admitted });
      });
    },
    cutAll() {
      for (const socket of open) socket.destroy();
    },
  };
}
