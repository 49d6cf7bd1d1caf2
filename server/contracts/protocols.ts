/** Ways a film can be delivered. `download` is a right of its own, not a protocol. */
export const PROTOCOLS = ['hls', 'dash', 'mp4', 'http-flv', 'ws-flv', 'rtmp'] as const;

export type Protocol = (typeof PROTOCOLS)[number];
