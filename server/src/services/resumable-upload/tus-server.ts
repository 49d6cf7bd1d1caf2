import type { IncomingMessage } from 'node:http';
import { MemoryLocker, Server, type ServerOptions } from '@tus/server';
import type { IncomingStore } from '../../storage/incoming-store';
import type { UploadClaims } from '../../tokens/upload-token';
import { refusalAnswer, UPLOAD_RESULT_HEADER } from './answers';

type TusRequest = Parameters<NonNullable<ServerOptions['onIncomingRequest']>>[0];
type FinishAnswer = Awaited<ReturnType<NonNullable<ServerOptions['onUploadFinish']>>>;

export interface TusServerSettings {
  path: string;
  maxBytes: number;
  store: IncomingStore;
  /** The verified token of a request that is being handled. */
  claimsOf: (request: IncomingMessage) => UploadClaims | undefined;
  finish: (claims: UploadClaims) => Promise<FinishAnswer>;
}

/**
 * tus 1.0.0 as this plugin speaks it: names and lengths come from the token, `Upload-Metadata` is ignored, and CORS is
 * Strapi's. Who hands a request in has verified its token.
 */
export function createTusServer(settings: TusServerSettings): Server {
  const claimsOf = (request: TusRequest): UploadClaims => {
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
    // An empty list sends no Access-Control-Allow-Origin of its own.
    allowedOrigins: [],
    namingFunction: (request) => claimsOf(request).uploadId,
    getFileIdFromRequest: (request, lastSegment) => {
      const { uploadId } = claimsOf(request);
      return lastSegment === uploadId ? uploadId : undefined;
    },
    async onUploadCreate(request, upload) {
      if (upload.size !== claimsOf(request).sizeBytes) {
        throw refusalAnswer(400, 'upload-length-mismatch', 'Upload-Length is not the length that the token names.');
      }
      return { metadata: {} };
    },
    onUploadFinish: (request) => settings.finish(claimsOf(request)),
    locker: new MemoryLocker(),
  });
}
