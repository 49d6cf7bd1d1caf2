/** Milliseconds on the monotonic clock. Leases are measured on it, so setting the machine's time changes no right. */
export type Clock = () => number;

export const monotonicClock: Clock = () => performance.now();
