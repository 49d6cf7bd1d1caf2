import type { IncomingMessage } from 'node:http';
import { type Locker, Server, type ServerOptions } from '@tus/server';
import type { IncomingStore } from '../../storage/incoming-store';
import type { VerifiedUpload } from '../../tokens/upload-token';
import { refusalAnswer, refusalOf, UPLOAD_RESULT_HEADER } from './answers';

/** What a request that is about to be cut off may still bring. */
const DRAIN_MS = 1000;

type TusRequest = Parameters<NonNullable<ServerOptions['onIncomingRequest']>>[0];
type FinishAnswer = Awaited<ReturnType<NonNullable<ServerOptions['onUploadFinish']>>>;
type Answered = { status_code: number; body: string };

export interface TusServerSettings {
  path: string;
  maxBytes: number;
  store: IncomingStore;
  locker: Locker;
  /** The verified token of a request that is being handled. */
  claimsOf: (request: IncomingMessage) => VerifiedUpload | undefined;
  /** Throws what must keep the first byte from coming. */
  admit: (claims: VerifiedUpload) => Promise<void>;
  finish: (claims: VerifiedUpload) => Promise<FinishAnswer>;
  /** Told of what the client may not know. */
  onFailure: (error: unknown) => void;
}

/** Library errors carry their answer; of everything else the client learns only what `refusalOf` lets through. */
function answerTo(error: Error | Answered, onFailure: (error: unknown) => void): Answered {
  if ('status_code' in error) return error;
  const refusal = refusalOf(error);
  if (refusal) return refusalAnswer(refusal.status, refusal.code, refusal.message);
  onFailure(error);
  return refusalAnswer(500, 'upload-failed', 'The upload failed. Try again.');
}

/**
 * tus 1.0.0 as this plugin speaks it: names and lengths come from the token, `Upload-Metadata` is ignored, and CORS is
 * Strapi's. Who hands a request in has verified its token.
 */
export function createTusServer(settings: TusServerSettings): Server {
  const claimsOf = (request: TusRequest): VerifiedUpload => {
    const node = request.runtime?.node?.req;
    const claims = node && settings.claimsOf(node as IncomingMessage);
    if (!claims) throw refusalAnswer(401, 'upload-token-invalid', 'The upload token is missing.');
    return claims;
  };
  return new Server({
    path: settings.path,
    datastore: settings.store,
    relativeLocation: true,
    maxSize: settings.maxBytes,
    disableTerminationForFinishedUploads: true,
    exposedHeaders: [UPLOAD_RESULT_HEADER],
    allowedHeaders: ['Upload-Token', 'Upload-Checksum'],
    // An empty list sends no Access-Control-Allow-Origin of its own.
    allowedOrigins: [],
    lockDrainTimeout: DRAIN_MS,
    namingFunction: (request) => claimsOf(request).uploadId,
    getFileIdFromRequest: (request, lastSegment) => {
      const { uploadId } = claimsOf(request);
      return lastSegment === uploadId ? uploadId : undefined;
    },
    async onUploadCreate(request, upload) {
      const claims = claimsOf(request);
      if (upload.size !== claims.sizeBytes) {
        throw refusalAnswer(400, 'upload-length-mismatch', 'Upload-Length is not the length that the token names.');
      }
      await settings.admit(claims);
      return { metadata: {} };
    },
    onUploadFinish: (request) => settings.finish(claimsOf(request)),
    onResponseError: (_request, error) => answerTo(error, settings.onFailure),
    locker: settings.locker,
  });
}
