// How much of the event loop's time those that look at a bouncer may have: a twentieth.

const SHARE = 20;
/** The process may have stood still meanwhile: work of more than 250 ms counts as 250 ms. */
const REST_MS_MAX = 5000;

/** How long nothing of the kind is done again after work that took `tookMs`, in milliseconds. */
export function restMs(tookMs: number): number {
  return Math.min(tookMs * SHARE, REST_MS_MAX);
}
