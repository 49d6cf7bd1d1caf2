/** Bearer of the streamer's derived credential on the internal endpoints. */
export const STREAMER_CREDENTIAL_HEADER = 'x-protected-vod-credential';

/** Bearer of the ingest worker's derived credential on `jobs/…`; the streamer's opens nothing there, nor this one anything else (S1). */
export const INGEST_CREDENTIAL_HEADER = 'x-protected-vod-ingest';

/** Bearer of the operator's derived credential, which the CLI shows on loopback. */
export const OPERATOR_CREDENTIAL_HEADER = 'x-protected-vod-operator';

/** Proof, made anew for each streamer, that a request came through Strapi's own proxy. */
export const EDGE_PROOF_HEADER = 'x-protected-vod-edge';

/** The viewer's address as the proxy saw it; read only beside a valid edge proof. */
export const EDGE_CLIENT_HEADER = 'x-protected-vod-client';
