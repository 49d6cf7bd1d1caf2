import type { ServerResponse } from 'node:http';
import { KEEP_ALIVE_SECONDS } from './server';

/** What `writeHead` leaves in a response and `end` sends before the body; Node's types do not tell it. */
interface Headed {
  _header: unknown;
}

const PLAIN_VALUE = /^[\x21-\x7e][\x20-\x7e]*$/;

/** Headers that are the same for many answers, put into text once. */
export class HeadPart {
  /** Names and values by turns. */
  readonly headers: string[];
  /** Null: a value is not plain text, and Node has to say what becomes of it. */
  readonly lines: string | null;

  constructor(headers: object) {
    const pairs = Object.entries(headers).map(([name, value]) => [name, String(value)] as const);
    this.headers = pairs.flat();
    const isPlain = pairs.every(([, value]) => PLAIN_VALUE.test(value));
    this.lines = isPlain ? pairs.map(([name, value]) => `${name}: ${value}\r\n`).join('') : null;
  }
}

/** Makes the head of each thing once, as long as that thing is there. */
export function createHeads<Thing extends object>(headersOf: (thing: Thing) => object): (thing: Thing) => HeadPart {
  const heads = new WeakMap<Thing, HeadPart>();
  return (thing) => {
    const known = heads.get(thing);
    if (known !== undefined) return known;
    const head = new HeadPart(headersOf(thing));
    heads.set(thing, head);
    return head;
  };
}

export interface ReadyStatus {
  code: number;
  line: string;
  /** Whether it tells the date, and how long the connection is kept. */
  tellsConnection: boolean;
}

const SERVED: ReadyStatus = { code: 200, line: 'HTTP/1.1 200 OK', tellsConnection: true };

/** To a proxy that keeps the answer and reads it again and again: no line more than it needs. */
export const PERMITTED: ReadyStatus = { code: 204, line: 'HTTP/1.1 204 No Content', tellsConnection: false };

let clock = { second: 0, date: '' };

/** RFC 9110 §6.6.1. */
function dateNow(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== clock.second) clock = { second, date: new Date(second * 1000).toUTCString() };
  return clock.date;
}

function hasNoHead(response: ServerResponse): response is ServerResponse & Headed {
  return '_header' in response && response._header === null;
}

function connectionLines(): string {
  return `Date: ${dateNow()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${KEEP_ALIVE_SECONDS}\r\n`;
}

function writeText(response: ServerResponse, lines: string, { code, line, tellsConnection }: ReadyStatus): boolean {
  if (!response.shouldKeepAlive || response.getHeaderNames().length > 0 || !hasNoHead(response)) return false;
  response.statusCode = code;
  const headed: Headed = response;
  headed._header = `${line}\r\n${lines}${tellsConnection ? connectionLines() : ''}\r\n`;
  return response.headersSent;
}

/**
 * `writeHead`, of a status without a body of its own or with the length of it. Node checks and joins headers one by one for each answer, which for a segment in memory costs more than all
 * else before its bytes leave; so the text that comes of it is given to it at once. Where the connection will not be kept, somebody
 * has set other headers, or this version of Node keeps heads elsewhere, Node does it.
 */
export function writeReadyHead(response: ServerResponse, own: HeadPart, shared: HeadPart, status = SERVED): void {
  if (own.lines !== null && shared.lines !== null && writeText(response, own.lines + shared.lines, status)) return;
  response.writeHead(status.code, own.headers.concat(shared.headers));
}
