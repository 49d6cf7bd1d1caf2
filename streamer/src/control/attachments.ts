import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { StreamerControl, StreamerPorts } from '../../../server/contracts';
import type { PluginHosts } from '../access/plugin-hosts';
import { type Attachment, serveControl } from './attachment';
import type { ControlKey } from './control-key';
import type { LogRelay } from './log-relay';

const MEMORY_INTERVAL_MS = 5_000;
/** A Strapi that does not read must not keep a streamer that ends. */
const FLUSH_MS = 500;

export interface Attachments {
  hosts: PluginHosts;
  accept(socket: Socket): void;
  /** All that attach learn these; nobody is told before that the streamer is theirs. */
  serving(ports: StreamerPorts): void;
  readonly size: number;
  /** Lets what was told leave, and closes. */
  end(): Promise<void>;
}

export interface AttachmentsOptions {
  key: ControlKey;
  /** Asked until somebody is attached. */
  internalUrl: string;
  log: LogRelay;
  /** Whether the process that started this one lives; it counts as attached. */
  hasParent: () => boolean;
  /** Nobody is left. `orderly`: the last one said so, and waits for what is running. */
  onDeserted: (how: 'orderly' | 'abrupt') => void;
  onStop: () => void;
}

/** The Strapi processes that share this streamer, in the order in which they are asked. */
export function createAttachments(options: AttachmentsOptions): Attachments {
  const { key, log, hasParent, onDeserted, onStop } = options;
  let order: Attachment[] = [];
  let ports: StreamerPorts | null = null;
  let printed = false;

  const tellAll = (message: StreamerControl): void => {
    for (const attachment of order) attachment.send(message);
  };

  function tellAttached(attachment: Attachment): void {
    if (ports === null) return;
    attachment.send({ type: 'attached', pid: process.pid, uptimeSeconds: process.uptime(), ports });
    for (const line of log.backlog()) attachment.send({ type: 'log', line, mine: !printed });
    printed = true;
  }

  let lastUrl = options.internalUrl;

  function remove(attachment: Attachment): void {
    order = order.filter((other) => other !== attachment);
    if (order.length === 0) lastUrl = attachment.plugin.internalUrl;
  }

  const events = {
    attached(attachment: Attachment): void {
      order.push(attachment);
      tellAttached(attachment);
    },
    detach(attachment: Attachment): void {
      remove(attachment);
      const isParent = attachment.plugin.pid === process.ppid;
      const stays = order.length > 0 || (hasParent() && !isParent);
      attachment.send({ type: 'detached', stays });
      if (!stays) onDeserted('orderly');
    },
    stop: onStop,
    gone(attachment: Attachment): void {
      if (!order.includes(attachment)) return;
      remove(attachment);
      if (order.length === 0 && !hasParent()) onDeserted('abrupt');
    },
  };

  // The first prints; the others keep the lines for who asks them.
  log.deliverTo((line) => {
    if (ports === null) return;
    for (const [at, attachment] of order.entries()) attachment.send({ type: 'log', line, mine: at === 0 });
  });
  setInterval(() => tellAll({ type: 'memory', rssBytes: process.memoryUsage.rss() }), MEMORY_INTERVAL_MS).unref();

  const hosts: PluginHosts = {
    // The last of all is still there while it waits for its streamer to end.
    internalUrl: () => order[0]?.plugin.internalUrl ?? lastUrl,
    failed(internalUrl) {
      const [first, ...rest] = order;
      if (first?.plugin.internalUrl === internalUrl) order = [...rest, first];
    },
    edgeProofs: () => order.map(({ edgeProof }) => edgeProof),
    corsOrigins: () => order.flatMap(({ plugin }) => plugin.corsOrigins),
    sessionEnded: (session) => tellAll({ type: 'ended', session }),
  };

  return {
    hosts,
    accept: (socket) => serveControl(socket, key, events),
    serving(told) {
      ports = told;
      for (const attachment of order) tellAttached(attachment);
    },
    get size() {
      return order.length;
    },
    async end() {
      await Promise.race([Promise.all(order.map((attachment) => attachment.end())), delay(FLUSH_MS)]);
    },
  };
}
