import type { Core } from '@strapi/strapi';
import { type EventType, PLUGIN_ID, type VodEvent } from '../../contracts';
import { configOf } from '../config';
import { Endpoint } from '../webhooks/endpoint';
import { createPoster } from '../webhooks/post';
import type { WebhookConfig } from '../webhooks/webhook-config';

const GRACE_MS = 3_000;

interface Receiver {
  types: ReadonlySet<EventType>;
  endpoint: Endpoint;
}

export interface WebhooksService {
  /** Returns at once. */
  send(event: VodEvent): void;
  /** Takes no more events, and a few seconds for those that wait. */
  close(): Promise<void>;
}

function receiverOf(strapi: Core.Strapi, webhook: WebhookConfig, at: number): Receiver {
  const { url: address, secret, events, allowPrivateNetwork } = webhook;
  const url = new URL(address);
  const poster = createPoster(url, { allowPrivateNetwork, isEncrypted: url.protocol === 'https:' });
  const name = `${PLUGIN_ID}: webhooks[${at}] (${url.origin})`;
  return { types: new Set(events), endpoint: new Endpoint({ name, secret, poster, log: strapi.log }) };
}

/**
 * The endpoints that the site configured. What waits for them is kept by this process alone: each happening is told by the
 * one node that saw it, and is lost where that node dies first.
 */
export function createWebhooksService({ strapi }: { strapi: Core.Strapi }): WebhooksService {
  const receivers: Receiver[] = configOf(strapi).webhooks.map((webhook, at) => receiverOf(strapi, webhook, at));
  return {
    send(event) {
      const concerned = receivers.filter(({ types }) => types.has(event.type));
      if (concerned.length === 0) return;
      const body = JSON.stringify(event);
      for (const { endpoint } of concerned) endpoint.send({ id: event.id, body });
    },
    async close() {
      await Promise.all(receivers.map(({ endpoint }) => endpoint.close(GRACE_MS)));
    },
  };
}
