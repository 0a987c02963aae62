// How many connections a Faktory can bear. Pure. Faktory holds a connection of its Redis pool for each FETCH
// that waits, and for each command that it works on; past the pool it loses jobs that it has acknowledged.

/** The Redis pool of the open-source server: 1000 up to 1.8, 2000 from 1.9 on. */
export function redisPoolOf(version: string | null): number {
  const [major = 0, minor = 0] = (version ?? '').split('.').map(Number);
  return major > 1 || (major === 1 && minor >= 9) ? 2000 : 1000;
}

/** What of the pool is left to Faktory's own work: its scheduler, its Web UI, INFO. */
const OWN_WORK = 100;
/** What of the server connections is left to commands beside FETCHes. */
const BESIDE_FETCHES = 100;
/** From which commands in flight on a Redis that hangs refuses new connections: its listen backlog. */
export const BACKLOG = 511;

/** The most server connections to configure, with `past` connections that bypass the bouncer. */
export function serverConnectionsMax(version: string | null, past: number): number {
  return Math.max(1, redisPoolOf(version) - OWN_WORK - past);
}

/** The most FETCHes in flight to configure beside `serverConnections`. */
export function fetchesMax(serverConnections: number): number {
  const room = Math.max(BESIDE_FETCHES, Math.ceil(serverConnections / 9));
  return Math.max(1, serverConnections - Math.min(room, Math.ceil(serverConnections / 2)));
}

/** `value` with `share` of it more, as a number that people would write. */
export function roomy(value: number, share: number): number {
  const wanted = value * (1 + share);
  const step = wanted <= 20 ? 1 : wanted <= 200 ? 10 : wanted <= 2000 ? 50 : 500;
  return Math.ceil(wanted / step) * step;
}
