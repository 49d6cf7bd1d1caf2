import type { Core } from '@strapi/strapi';
import { createIncomingLeases, type IncomingLeases } from './leases';
import { createIncomingRecords, type IncomingRecords } from './records';
import { createIncomingRoom, type IncomingRoom } from './room';

/** Films that are on their way into the storage: the room that they take, how far they are, and who is at work. */
export interface IncomingFilmsService {
  room: IncomingRoom;
  records: IncomingRecords;
  leases: IncomingLeases;
}

export function createIncomingFilmsService({ strapi }: { strapi: Core.Strapi }): IncomingFilmsService {
  return {
    room: createIncomingRoom(strapi),
    records: createIncomingRecords(strapi),
    leases: createIncomingLeases(strapi),
  };
}
