/** The Strapi processes that this streamer works for now. Asked again for each use, as they come and go. */
export interface PluginHosts {
  /** Base address of the internal REST that is asked now. */
  internalUrl(): string;
  /** It did not answer: the next one is asked from now on, where there is one. */
  failed(internalUrl: string): void;
  /** What requests show that come through the proxies of these processes (S16). */
  edgeProofs(): readonly string[];
  /** Origins of their own pages. */
  corsOrigins(): readonly string[];
  /** The session with this hash has ended. */
  sessionEnded(sessionHash: string): void;
}

/** One plugin for the whole life, without a proxy: a streamer that was started alone. */
export function onePlugin(internalUrl: string): PluginHosts {
  return {
    internalUrl: () => internalUrl,
    failed: () => undefined,
    edgeProofs: () => [],
    corsOrigins: () => [],
    sessionEnded: () => undefined,
  };
}
