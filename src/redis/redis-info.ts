// Redis's answer to INFO as a value. Promise: text that is not an INFO gives null; a single number that
// this Redis does not tell (old ones leave out maxclients) is NaN, which metrics leave out. Pure.

/** Redis's last INFO. */
export interface RedisInfo {
  readonly connectedClients: number;
  readonly blockedClients: number;
  readonly maxClients: number;
  readonly usedMemoryBytes: number;
  readonly maxMemoryBytes: number;
  readonly rejectedConnections: number;
}

/** Reads the `key:value` lines of INFO, whatever their order and whatever else is there. */
export function parseRedisInfo(text: string): RedisInfo | null {
  const connectedClients = numberOf(text, 'connected_clients');
  if (Number.isNaN(connectedClients)) return null;
  return {
    connectedClients,
    blockedClients: numberOf(text, 'blocked_clients'),
    maxClients: numberOf(text, 'maxclients'),
    usedMemoryBytes: numberOf(text, 'used_memory'),
    maxMemoryBytes: numberOf(text, 'maxmemory'),
    rejectedConnections: numberOf(text, 'rejected_connections'),
  };
}

function numberOf(text: string, key: string): number {
  const digits = new RegExp(`^${key}:(\\d{1,20})\\r?$`, 'm').exec(text)?.[1];
  return digits === undefined ? Number.NaN : Number(digits);
}
