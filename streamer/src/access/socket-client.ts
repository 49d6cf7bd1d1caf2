import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Client, EDGE_PROOF_HEADER } from '../../../server/contracts';
import { describeClient } from './client';
import type { ClientAddressReader } from './client-address';

/** Null: the address cannot be told. */
export type ClientReader = (request: IncomingMessage) => Client | null;

interface Described {
  forwarded: string | string[] | undefined;
  userAgent: string | undefined;
  client: Client | null;
}

/**
 * Who asks. On a kept connection that is worked out once, until it names somebody else; what carries a proof of Strapi's proxy is
 * worked out each time, because proofs come and go.
 */
export function createClientReader(addressOf: ClientAddressReader): ClientReader {
  const bySocket = new WeakMap<Socket, Described>();

  function describe({ socket, headers }: IncomingMessage): Client | null {
    const address = addressOf(socket.remoteAddress, headers);
    return address === null ? null : describeClient(address, headers['user-agent']);
  }

  return (request) => {
    const { socket, headers } = request;
    if (headers[EDGE_PROOF_HEADER] !== undefined) return describe(request);
    const forwarded = headers['x-forwarded-for'];
    const userAgent = headers['user-agent'];
    const known = bySocket.get(socket);
    if (known !== undefined && known.forwarded === forwarded && known.userAgent === userAgent) return known.client;
    const client = describe(request);
    bySocket.set(socket, { forwarded, userAgent, client });
    return client;
  };
}
