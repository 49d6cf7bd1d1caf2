import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Core } from '@strapi/strapi';
import { ERRORS, type Server } from '@tus/server';
import { PLUGIN_ID } from '../../../contracts';
import { configOf } from '../../config';
import { IncomingStore } from '../../storage/incoming-store';
import { sweepIncoming } from '../../storage/sweep-incoming';
import { CHECKSUM_ALGORITHMS, type UploadChecksum } from '../../storage/upload-checksum';
import { mintUploadToken, type UploadClaims, type VerifiedUpload, verifyUploadToken } from '../../tokens/upload-token';
import { getService } from '../get-service';
import type { UploadFate } from '../incoming-films/upload-fate';
import { refusalAnswer, refusalOf, resultHeader, UPLOAD_RESULT_HEADER } from './answers';
import { completeUpload, requireTarget, requireUploader } from './completion';
import { createTusServer } from './tus-server';
import { UploadLocks } from './upload-locks';

export interface UploadTicket {
  token: string;
  /** Path on Strapi's origin that speaks tus 1.0.0. */
  endpoint: string;
  expiresInSeconds: number;
}

/** A verified request of a client. */
export interface TusRequestFacts {
  /** Null for OPTIONS, which needs no token. */
  claims: VerifiedUpload | null;
  checksum: UploadChecksum | null;
}

interface Opened {
  store: IncomingStore;
  server: Server;
}

/** Resumable uploads (tus 1.0.0) that end as Media Library files in protected storage. */
export function createResumableUploadService({ strapi }: { strapi: Core.Strapi }) {
  const { upload, storage } = configOf(strapi);
  const endpoint = `${strapi.config.get('api.rest.prefix', '/api')}/${PLUGIN_ID}/uploads`;
  const claimsOfRequest = new WeakMap<IncomingMessage, VerifiedUpload>();
  const finishing = new Map<string, Promise<UploadFate>>();
  const incoming = () => getService(strapi, 'incoming-films');
  const locks = new UploadLocks(strapi);
  let opened: Opened | undefined;

  /** Two requests may reach the end of one upload; only one of them stores it. */
  function finishOnce(store: IncomingStore, claims: VerifiedUpload): Promise<UploadFate> {
    const running = finishing.get(claims.uploadId);
    if (running) return running;
    const started = locks
      .during(claims.uploadId, () => completeUpload(strapi, store, claims))
      .finally(() => finishing.delete(claims.uploadId));
    finishing.set(claims.uploadId, started);
    return started;
  }

  async function finish(store: IncomingStore, claims: VerifiedUpload) {
    const fate = await finishOnce(store, claims);
    if ('result' in fate) return { headers: { [UPLOAD_RESULT_HEADER]: resultHeader(fate.result) } };
    const { status, code, message } = fate.refusal;
    return refusalAnswer(status, code, message);
  }

  /** Before the first byte: the right, and room that nobody else can take (S23). */
  async function admit(claims: VerifiedUpload): Promise<void> {
    const { uploadId: id, fileName, sizeBytes, adminId, expiresAt } = claims;
    await requireUploader(strapi, claims);
    await requireTarget(strapi, claims);
    const { room, records } = incoming();
    await room.reserve({ id, adminId, fileName, sizeBytes, lifetimeSeconds: (expiresAt - Date.now()) / 1000 });
    const fate = await records.fateOf(id);
    if (fate === null) return;
    if ('result' in fate) throw ERRORS.INVALID_TERMINATION;
    throw refusalAnswer(fate.refusal.status, fate.refusal.code, fate.refusal.message);
  }

  function open(): Opened {
    if (opened) return opened;
    const store = new IncomingStore({
      root: getService(strapi, 'storage').root,
      records: incoming().records,
      lifetimeSeconds: upload.tokenLifetimeSeconds,
      minFreeBytes: storage.minFreeBytes,
    });
    const server = createTusServer({
      path: endpoint,
      maxBytes: upload.maxBytes,
      store,
      locker: locks,
      claimsOf: (request) => claimsOfRequest.get(request),
      admit,
      finish: (claims) => finish(store, claims),
      onFailure: (error) => strapi.log.error(error),
    });
    opened = { store, server };
    return opened;
  }

  /** What has become of an upload whose bytes are all there; one that a crash or a failure left undecided is decided now. */
  async function fateOfWhole(store: IncomingStore, claims: VerifiedUpload): Promise<UploadFate | null> {
    const running = finishing.get(claims.uploadId);
    if (running) return running;
    const fate = await incoming().records.fateOf(claims.uploadId);
    if (fate !== null) return fate;
    const record = await incoming().records.find(claims.uploadId);
    const isWhole = record?.checkedBytes === null && (await store.bytesOf(record.id)) === record.sizeBytes;
    return isWhole ? finishOnce(store, claims) : null;
  }

  /**
   * HEAD tells a client that it need send nothing more, so it must not say so of a film that was refused. True: answered.
   */
  async function answerHead(store: IncomingStore, claims: VerifiedUpload, response: ServerResponse): Promise<boolean> {
    let status: number;
    try {
      const fate = await fateOfWhole(store, claims);
      if (fate === null) return false;
      if ('result' in fate) {
        response.setHeader(UPLOAD_RESULT_HEADER, resultHeader(fate.result));
        return false;
      }
      status = fate.refusal.status;
    } catch (error) {
      // What tus itself says of a missing or locked upload it says to HEAD, too.
      if (!(error instanceof Error)) return false;
      const refusal = refusalOf(error);
      if (refusal === null) strapi.log.error(error);
      status = refusal?.status ?? 500;
    }
    response.writeHead(status, { 'Tus-Resumable': '1.0.0', 'Cache-Control': 'no-store' }).end();
    return true;
  }

  return {
    /**
     * A ticket for one film; whoever asks has been found to be an admin who may add files. Throws ForbiddenError or
     * `upload-target-gone` where it is to replace what it may not, or what is not there.
     */
    async issue(film: Omit<UploadClaims, 'uploadId'>): Promise<UploadTicket> {
      const [key] = getService(strapi, 'keys').uploadTokenKeys();
      const claims = { ...film, uploadId: randomBytes(16).toString('hex') };
      await requireTarget(strapi, claims);
      const token = await mintUploadToken(key, claims, upload.tokenLifetimeSeconds);
      return { token, endpoint, expiresInSeconds: upload.tokenLifetimeSeconds };
    },

    /** Throws `VodError` `upload-token-invalid`. */
    async verify(token: string): Promise<VerifiedUpload> {
      const [key, ...previous] = getService(strapi, 'keys').uploadTokenKeys();
      const others = previous.map((other) => verifyUploadToken(other, token));
      return Promise.any([verifyUploadToken(key, token), ...others]).catch((failures: AggregateError) => {
        throw failures.errors[0];
      });
    },

    /** Answers one tus request whose token has been verified. */
    async handle(
      request: IncomingMessage,
      response: ServerResponse,
      { claims, checksum }: TusRequestFacts,
    ): Promise<void> {
      const { store, server } = open();
      try {
        if (claims) {
          claimsOfRequest.set(request, claims);
          if (request.method === 'HEAD' && (await answerHead(store, claims, response))) return;
          if (request.method === 'PATCH') await store.prime(claims.uploadId);
        } else response.setHeader('Tus-Checksum-Algorithm', CHECKSUM_ALGORITHMS.join(','));
        await store.withChecksum(checksum, () => server.handle(request, response));
      } catch (error) {
        // Nobody else answers: Koa was told to leave this response alone.
        strapi.log.error(error);
        if (!response.headersSent) response.writeHead(500, { 'Tus-Resumable': '1.0.0', Connection: 'close' });
        response.end();
      }
    },

    /** Removes what uploads left behind that were not complete in time. Any number of nodes may do so at once. */
    async sweep(): Promise<number> {
      const { root } = getService(strapi, 'storage');
      const { records } = incoming();
      const forgotten = await records.forgetExpired();
      const before = new Date(Date.now() - upload.tokenLifetimeSeconds * 1000);
      for (const id of forgotten) await open().store.discard(id);
      const left = await sweepIncoming(root, { before, spared: new Set(await records.ids()) });
      return forgotten.length + left;
    },
  };
}
