import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIPv4 } from 'node:net';
import { LRUCache } from 'lru-cache';
import { EDGE_CLIENT_HEADER, EDGE_PROOF_HEADER } from '../../../server/contracts';
import { StreamError } from '../errors';
import { normaliseAddress } from './client';

const MAX_KNOWN = 1_000;

export interface AddressRules {
  /** Of Strapi's own proxies, as many as there are now. */
  edgeProofs?: () => readonly string[];
  trustedProxies: readonly string[];
}

/** Whether a trusted reverse proxy asks for a viewer that it names; Strapi's own proxy does not count. */
export type ProxyCheck = (socketAddress: string | undefined, headers: IncomingHttpHeaders) => boolean;

/** Null: the address cannot be told, which nobody may be served for. */
export type ClientAddressReader = (socketAddress: string | undefined, headers: IncomingHttpHeaders) => string | null;

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv4(address) ? 'ipv4' : 'ipv6';
}

/** Whether an address, in its normal form, is one of `entries`. Throws `settings-invalid` for an entry that is no address. */
export function parseTrusted(entries: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const entry of entries) {
    const [text = '', bits, ...rest] = entry.split('/');
    const address = normaliseAddress(text);
    const width = address !== null && isIPv4(address) ? 32 : 128;
    const length = bits === undefined ? width : Number(bits);
    if (
      address === null ||
      rest.length > 0 ||
      bits === '' ||
      !Number.isInteger(length) ||
      length < 0 ||
      length > width
    ) {
      throw new StreamError('settings-invalid', `trustedProxies: "${entry}" is neither an address nor a CIDR block.`);
    }
    trusted.addSubnet(address, length, familyOf(address));
  }
  // The same few proxies ask all the time, and a block list takes longer than all other questions about a request.
  const known = new LRUCache<string, boolean>({ max: MAX_KNOWN });
  return (address) => {
    const remembered = known.get(address);
    if (remembered !== undefined) return remembered;
    const isTrusted = trusted.check(address, familyOf(address));
    known.set(address, isTrusted);
    return isTrusted;
  };
}

/** Some proxies append the port: `203.0.113.7:4711`, `[2001:db8::1]:4711`. */
function parseHop(hop: string): string | null {
  const trimmed = hop.trim();
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(trimmed)?.[1];
  const dotted = /^([\d.]+):\d+$/.exec(trimmed)?.[1];
  return normaliseAddress(bracketed ?? dotted ?? trimmed);
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? undefined : value;
}

function equalsSecret(given: string, secret: string): boolean {
  // Digests have equal lengths, so the comparison tells nothing about the secret's.
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(secret));
}

/**
 * S16: whose request this is. Strapi's own proxy is believed for its proof, other proxies for their address, and nobody else
 * for any header. Throws `settings-invalid` for a proxy entry that is no address.
 */
export function createClientAddressReader({
  edgeProofs = () => [],
  trustedProxies,
}: AddressRules): ClientAddressReader {
  const isTrusted = parseTrusted(trustedProxies);

  /** The rightmost hop that is no proxy of ours: everything left of it was written by strangers. */
  function rightmostUntrusted(forwarded: string): string | null {
    let hop: string | null = null;
    for (const text of forwarded.split(',').reverse()) {
      hop = parseHop(text);
      if (hop === null || !isTrusted(hop)) return hop;
    }
    return hop;
  }

  return (socketAddress, headers) => {
    const proof = single(headers[EDGE_PROOF_HEADER]);
    if (proof !== undefined && edgeProofs().some((known) => equalsSecret(proof, known))) {
      return normaliseAddress(single(headers[EDGE_CLIENT_HEADER]) ?? '');
    }
    const socket = normaliseAddress(socketAddress ?? '');
    const forwarded = single(headers['x-forwarded-for']);
    if (socket === null || forwarded === undefined || !isTrusted(socket)) return socket;
    return rightmostUntrusted(forwarded);
  };
}

/** Throws `settings-invalid` for a proxy entry that is no address. */
export function createProxyCheck(trustedProxies: readonly string[]): ProxyCheck {
  const isTrusted = parseTrusted(trustedProxies);
  return (socketAddress, headers) => {
    const socket = normaliseAddress(socketAddress ?? '');
    const isForwarded = headers['x-forwarded-for'] !== undefined && headers[EDGE_PROOF_HEADER] === undefined;
    return isForwarded && socket !== null && isTrusted(socket);
  };
}
