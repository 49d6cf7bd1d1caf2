import type { Core } from '@strapi/strapi';
import type { RuleDenial } from '../entitlement/decision';
import { getService } from '../get-service';
import type { AuditEvent } from './event';
import { createEventTable } from './event-table';
import { AuditWriter } from './writer';

export interface AuditService {
  record(event: AuditEvent): string;
  countUnknownCredential(): void;
  noteEnds(mark: string, rules?: ReadonlyMap<string, RuleDenial>): void;
  flush(): Promise<void>;
  start(): void;
  close(): Promise<void>;
}

/** The audit's writing end. See `audit-log` for reading. */
export function createAuditService({ strapi }: { strapi: Core.Strapi }): AuditService {
  const writer = new AuditWriter(strapi, createEventTable(strapi), (record) =>
    getService(strapi, 'events').tell(record),
  );
  return {
    /** Returns at once, with the reference under which the event will be found within a second. */
    record: (event) => writer.record(event),
    countUnknownCredential: () => writer.countUnknownCredential(),
    /**
     * Called after the commit of a statement that ended sessions; their rows carry the mark. `rules` tells which ones a
     * rule ended, by the `document_id` of their rows.
     */
    noteEnds: (mark, rules = new Map()) => writer.noteEnds(mark, rules),
    /** Writes what waits. Never throws. */
    flush: () => writer.flush(),
    start: () => writer.start(),
    /** The last word: also writes what is counted once a minute. */
    close: () => writer.close(),
  };
}
