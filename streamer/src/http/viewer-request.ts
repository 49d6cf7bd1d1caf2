import { IncomingMessage } from 'node:http';

/**
 * A request as Node's parser makes it, but one that offers to upgrade to anything except a WebSocket is what it would be without
 * the offer (RFC 9110 §7.8): clients of plain HTTP that know HTTP/2 offer `h2c` with each request. Node asks `upgrade` once
 * the headers are read, and leaves a request that says no to whoever answers all others.
 */
export class ViewerRequest extends IncomingMessage {
  // Not initialised: the constructor above it writes to it already.
  declare private asksUpgrade: boolean | null;

  /** The parser takes what follows for the other protocol and drops it, so that nothing may follow. */
  get declinesUpgrade(): boolean {
    return this.asksUpgrade === true && !this.upgrade;
  }

  get upgrade(): boolean {
    if (this.asksUpgrade !== true) return false;
    return this.method === 'CONNECT' || this.headers.upgrade?.toLowerCase() === 'websocket';
  }

  set upgrade(asks: boolean | null) {
    this.asksUpgrade = asks;
  }
}
