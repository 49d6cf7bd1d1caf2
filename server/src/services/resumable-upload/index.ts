import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Core } from '@strapi/strapi';
import type { Server } from '@tus/server';
import { PLUGIN_ID } from '../../../contracts';
import { configOf } from '../../config';
import { IncomingStore } from '../../storage/incoming-store';
import { sweepIncoming } from '../../storage/sweep-incoming';
import { mintUploadToken, type UploadClaims, verifyUploadToken } from '../../tokens/upload-token';
import { getService } from '../get-service';
import { answerFor, refusalAnswer, UPLOAD_RESULT_HEADER } from './answers';
import { completeUpload } from './completion';
import { createTusServer } from './tus-server';

export interface UploadTicket {
  token: string;
  /** Path on Strapi's origin that speaks tus 1.0.0. */
  endpoint: string;
  expiresInSeconds: number;
}

/** Resumable uploads (tus 1.0.0) that end as Media Library files in protected storage. */
export function createResumableUploadService({ strapi }: { strapi: Core.Strapi }) {
  const { upload } = configOf(strapi);
  const endpoint = `${strapi.config.get('api.rest.prefix', '/api')}/${PLUGIN_ID}/uploads`;
  const claimsOfRequest = new WeakMap<IncomingMessage, UploadClaims>();
  const finishing = new Map<string, Promise<string>>();
  let opened: { store: IncomingStore; server: Server } | undefined;

  /** Two requests may reach the end of one upload; only one of them stores it. */
  function finishOnce(store: IncomingStore, claims: UploadClaims): Promise<string> {
    const running = finishing.get(claims.uploadId);
    if (running) return running;
    const started = completeUpload(strapi, store, claims).finally(() => finishing.delete(claims.uploadId));
    finishing.set(claims.uploadId, started);
    return started;
  }

  async function finish(store: IncomingStore, claims: UploadClaims) {
    try {
      return { headers: { [UPLOAD_RESULT_HEADER]: await finishOnce(store, claims) } };
    } catch (error) {
      const answer = answerFor(error);
      if (!answer) strapi.log.error(error);
      return answer ?? refusalAnswer(500, 'upload-failed', 'The film could not be stored. Try again.');
    }
  }

  function open() {
    if (opened) return opened;
    const store = new IncomingStore(getService(strapi, 'storage').root, upload.tokenLifetimeSeconds);
    const server = createTusServer({
      path: endpoint,
      maxBytes: upload.maxBytes,
      store,
      claimsOf: (request) => claimsOfRequest.get(request),
      finish: (claims) => finish(store, claims),
    });
    opened = { store, server };
    return opened;
  }

  return {
    /** A ticket for one film; whoever asks has been found to be an admin who may add files. */
    async issue(film: Omit<UploadClaims, 'uploadId'>): Promise<UploadTicket> {
      const [key] = getService(strapi, 'keys').uploadTokenKeys();
      const claims = { ...film, uploadId: randomBytes(16).toString('hex') };
      const token = await mintUploadToken(key, claims, upload.tokenLifetimeSeconds);
      return { token, endpoint, expiresInSeconds: upload.tokenLifetimeSeconds };
    },

    /** Throws `VodError` `upload-token-invalid`. */
    async verify(token: string): Promise<UploadClaims> {
      const [key, ...previous] = getService(strapi, 'keys').uploadTokenKeys();
      const others = previous.map((other) => verifyUploadToken(other, token));
      return Promise.any([verifyUploadToken(key, token), ...others]).catch((failures: AggregateError) => {
        throw failures.errors[0];
      });
    },

    /** Answers one tus request whose token has been verified; `claims` is null for OPTIONS, which needs none. */
    async handle(request: IncomingMessage, response: ServerResponse, claims: UploadClaims | null): Promise<void> {
      const { store, server } = open();
      if (claims) {
        claimsOfRequest.set(request, claims);
        const result = request.method === 'HEAD' && (await store.records.find(claims.uploadId))?.result;
        if (result) response.setHeader(UPLOAD_RESULT_HEADER, result);
      }
      await server.handle(request, response);
    },

    /** Removes what uploads left behind whose tokens have expired. */
    sweep(): Promise<number> {
      const before = new Date(Date.now() - upload.tokenLifetimeSeconds * 1000);
      return sweepIncoming(getService(strapi, 'storage').root, before);
    },
  };
}
