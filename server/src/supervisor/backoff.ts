export interface Backoff {
  firstSeconds: number;
  capSeconds: number;
}

/** Seconds to wait after the `failures`th failed start in a row (1, 2, …): doubles each time, up to the cap. */
export function backoffSeconds(failures: number, { firstSeconds, capSeconds }: Backoff): number {
  return Math.min(capSeconds, firstSeconds * 2 ** (failures - 1));
}
