import { AsyncResource } from 'node:async_hooks';
import type { Core } from '@strapi/strapi';
import { PLUGIN_ID, type VodEvent } from '../../../contracts';
import type { Asset } from '../asset';
import type { AuditRecord } from '../audit/event';
import { getService } from '../get-service';
import { playbackEvent, refusalsEvent } from './playback-event';
import { createReadyFilms } from './ready-films';
import { RefusalLimit } from './refusal-limit';

const TICK_MS = 1_000;

export interface EventsService {
  /** What the audit recorded; the events do not depend on whether it can be written or how long it is kept. */
  tell(record: AuditRecord): void;
  /** Told once the film stands in the Media Library. */
  filmStored(asset: Asset): void;
  filmUndone(assetId: string): void;
  /** Never throws. */
  filmRestored(asset: Asset): Promise<void>;
  /** Never throws. */
  filmConverted(asset: Asset): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

/** Listeners run on their own: a failure is theirs, and none of them is waited for. */
function emit(strapi: Core.Strapi, event: VodEvent): void {
  getService(strapi, 'webhooks').send(event);
  setImmediate(() => {
    strapi.eventHub.emit(`${PLUGIN_ID}.${event.type}`, event).catch((error: unknown) => strapi.log.error(error));
  });
}

/** Lets other code hear what happens: listeners on Strapi's event hub, and webhooks. Never in the way of what happens. */
export function createEventsService({ strapi }: { strapi: Core.Strapi }): EventsService {
  const refusals = new RefusalLimit();
  const films = createReadyFilms(strapi, publish);
  let timer: NodeJS.Timeout | undefined;
  let deliver: ((event: VodEvent) => void) | null = null;

  /** Before `start` nobody listens. */
  function publish(event: VodEvent): void {
    deliver?.(event);
  }

  function tellUntold(count: number): void {
    if (count > 0) publish(refusalsEvent(count));
  }

  return {
    tell(record) {
      if (record.event.kind === 'refusal' && !refusals.admits()) return;
      const event = playbackEvent(record);
      if (event !== null) publish(event);
    },
    filmStored: films.stored,
    filmUndone: films.undone,
    filmRestored: films.restored,
    filmConverted: films.converted,
    start() {
      // Not within the request or transaction of whoever causes an event: a listener's queries would join that one.
      deliver = AsyncResource.bind((event: VodEvent) => emit(strapi, event));
      films.subscribe();
      timer = setInterval(() => tellUntold(refusals.takeDue()), TICK_MS).unref();
    },
    /** The last word: what was counted, and what webhooks still wait to deliver. */
    async close() {
      clearInterval(timer);
      tellUntold(refusals.take());
      await getService(strapi, 'webhooks').close();
    },
  };
}
