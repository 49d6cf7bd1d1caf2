import { randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { Core } from '@strapi/strapi';
import { z } from 'zod';
import { configOf } from '../../config';
import { VodError } from '../../errors';
import { formatBytes } from '../../storage/byte-size';
import { freeBytesOf } from '../../storage/free-space';
import { storageError } from '../../storage/storage-error';
import { getService } from '../get-service';
import { databaseNow } from '../playback-session/database-clock';
import { retryingDeadlocks } from '../playback-session/deadlock';
import type { Transaction } from '../playback-session/transaction';
import { INCOMING_TABLE } from './records';

const ASSETS = 'protected_vod_assets';
const SETTINGS = 'protected_vod_settings';
/** The row that reservations queue behind; its value says nothing. */
const QUEUE = 'incoming-room';

const sumSchema = z.object({ bytes: z.coerce.number() }).nullish();
const pendingSchema = z.array(z.object({ incoming_id: z.string(), size_bytes: z.coerce.number() }));

/** A film that wants in. */
export interface RoomDemand {
  fileName: string;
  sizeBytes: number;
  /** False: its bytes lie on the storage volume already. Default true. */
  needsDisk?: boolean;
}

export interface Reservation extends RoomDemand {
  id: string;
  adminId: string | null;
  lifetimeSeconds: number;
}

export interface IncomingRoom {
  /** Throws as `reserve` does, as things are now; holds nothing. */
  check(demand: RoomDemand): Promise<void>;
  /**
   * Holds room for a film until its row is settled or removed; doing it again for one id changes nothing. However many
   * ask at once, on however many nodes, the quota is not exceeded (S23). Throws `VodError` `storage-quota-exceeded` or
   * `storage-full`.
   */
  reserve(reservation: Reservation): Promise<void>;
  /** Runs `action` with the room held; what it writes to `incoming/<id>.part` is known to be written. */
  during<T>(demand: RoomDemand & { adminId: string | null }, action: (id: string) => Promise<T>): Promise<T>;
}

async function sizeOrNothing(file: string): Promise<number> {
  return stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

/** Room that a process held which has died is free again after so long. */
const ACTION_SECONDS = 3600;
const RENEW_EVERY_MS = (ACTION_SECONDS * 1000) / 6;

export function createIncomingRoom(strapi: Core.Strapi): IncomingRoom {
  const { quotaBytes, minFreeBytes } = configOf(strapi).storage;
  const table = (name: string, trx?: Transaction) => {
    const query = strapi.db.getConnection(name);
    return trx ? query.transacting(trx) : query;
  };

  async function refuseOverQuota({ fileName, sizeBytes }: RoomDemand, trx?: Transaction): Promise<void> {
    if (quotaBytes === null) return;
    // In this order: a film that becomes one meanwhile is counted twice and never not at all.
    const sums = [
      await table(INCOMING_TABLE, trx).whereNull('fate').sum({ bytes: 'size_bytes' }).first(),
      await table(ASSETS, trx).whereNot({ state: 'trashed' }).sum({ bytes: 'size_bytes' }).first(),
    ];
    const takenBytes = sums.reduce((sum, row) => sum + (sumSchema.parse(row)?.bytes ?? 0), 0);
    if (takenBytes + sizeBytes <= quotaBytes) return;
    throw storageError(
      'storage-quota-exceeded',
      `“${fileName}” (${formatBytes(sizeBytes)}) does not fit: of ${formatBytes(quotaBytes)} for films ${formatBytes(takenBytes)} are taken.`,
    );
  }

  /** What others that hold room have still to write. */
  async function pendingBytes(trx?: Transaction): Promise<number> {
    const rows = pendingSchema.parse(
      await table(INCOMING_TABLE, trx).whereNull('fate').select('incoming_id', 'size_bytes'),
    );
    const { root } = getService(strapi, 'storage');
    let pending = 0;
    for (const { incoming_id: id, size_bytes: sizeBytes } of rows) {
      const part = path.join(root.path, 'incoming', id);
      const written = await Promise.all([part, `${part}.part`, `${part}.complete`].map(sizeOrNothing));
      pending += Math.max(0, sizeBytes - Math.max(...written));
    }
    return pending;
  }

  async function refuseOnFullDisk({ fileName, sizeBytes, needsDisk = true }: RoomDemand, trx?: Transaction) {
    if (!needsDisk) return;
    const freeBytes =
      (await freeBytesOf(getService(strapi, 'storage').root)) - (await pendingBytes(trx)) - minFreeBytes;
    if (sizeBytes <= freeBytes) return;
    throw storageError(
      'storage-full',
      `“${fileName}” (${formatBytes(sizeBytes)}) does not fit on the disk of this site: there is room for ${formatBytes(Math.max(0, freeBytes))}.`,
    );
  }

  async function refuse(demand: RoomDemand, trx?: Transaction): Promise<void> {
    await refuseOverQuota(demand, trx);
    await refuseOnFullDisk(demand, trx);
  }

  async function add({ id, adminId, sizeBytes, lifetimeSeconds }: Reservation, trx: Transaction): Promise<void> {
    const timestamp = new Date();
    await table(INCOMING_TABLE, trx).insert({
      document_id: randomBytes(12).toString('hex'),
      incoming_id: id,
      admin_id: adminId,
      size_bytes: String(sizeBytes),
      expires_at: databaseNow(strapi, Math.round(lifetimeSeconds * 1000)),
      is_wanted: false,
      created_at: timestamp,
      updated_at: timestamp,
    });
  }

  async function makeQueue(): Promise<void> {
    const timestamp = new Date();
    const row = { document_id: randomBytes(12).toString('hex'), name: QUEUE, value: '{}' };
    await retryingDeadlocks(() =>
      table(SETTINGS)
        .insert({ ...row, created_at: timestamp, updated_at: timestamp })
        .onConflict()
        .ignore(),
    );
  }

  /** The first statement writes: whoever else wants room waits there, and what is read next is not older. */
  async function queue(trx: Transaction): Promise<boolean> {
    return (await table(SETTINGS, trx).where({ name: QUEUE }).update({ updated_at: new Date() })) > 0;
  }

  async function reserveOnce(reservation: Reservation): Promise<boolean> {
    return strapi.db.transaction(async ({ trx }) => {
      if (!(await queue(trx))) return false;
      const known = await table(INCOMING_TABLE, trx).select('id').where({ incoming_id: reservation.id }).first();
      if (known !== undefined) return true;
      await refuse(reservation, trx);
      await add(reservation, trx);
      return true;
    });
  }

  async function reserve(reservation: Reservation): Promise<void> {
    if (await retryingDeadlocks(() => reserveOnce(reservation))) return;
    await makeQueue();
    if (!(await retryingDeadlocks(() => reserveOnce(reservation)))) {
      throw new VodError('storage-unknown', 'The row that reservations queue behind cannot be written.');
    }
  }

  return {
    check: (demand) => refuse(demand),
    reserve,
    async during(demand, action) {
      const id = randomBytes(16).toString('hex');
      await reserve({ ...demand, id, lifetimeSeconds: ACTION_SECONDS });
      const row = () => table(INCOMING_TABLE).where({ incoming_id: id });
      const renew = () =>
        retryingDeadlocks(() => row().update({ expires_at: databaseNow(strapi, ACTION_SECONDS * 1000) }));
      // A time that is missed is made up for by the next.
      const beat = setInterval(() => void renew().catch((error: unknown) => strapi.log.warn(error)), RENEW_EVERY_MS);
      beat.unref();
      try {
        return await action(id);
      } finally {
        clearInterval(beat);
        // What was done is done; a row that stays is swept when its time is over.
        await retryingDeadlocks(() => row().delete()).catch((error: unknown) => strapi.log.warn(error));
      }
    },
  };
}
