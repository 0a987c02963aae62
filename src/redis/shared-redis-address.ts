// Where the Redis of a shared limit is, from `shared_limits.redis_url`: one server, one that Sentinels name, or a
// cluster. Promise: what is shown in logs holds neither user nor password.

import { parseRedisAddress, type RedisAddress } from './redis-address.ts';

export interface Node {
  readonly host: string;
  readonly port: number;
}

/** As for one server, of the servers that are found. */
export interface Login {
  readonly username?: string;
  readonly password?: string;
  readonly tls?: Record<string, never>;
}

export type SharedRedisAddress =
  | ({ readonly kind: 'server' } & RedisAddress)
  | {
      readonly kind: 'sentinel';
      readonly shown: string;
      readonly sentinels: readonly Node[];
      /** What the Sentinels call the primary and its replicas. */
      readonly name: string;
      readonly login: Login;
    }
  | {
      readonly kind: 'cluster';
      readonly shown: string;
      readonly nodes: readonly Node[];
      readonly login: Login;
    };

const MANY =
  /^(rediss?)\+(sentinel|cluster):\/\/(?:([^@/:]*)(?::([^@/]*))?@)?([^@/?#]+)(?:\/([^/?#]*))?$/i;
const PORTS = { sentinel: 26_379, cluster: 6379 } as const;

/**
 * Takes redis+sentinel://HOST:PORT,HOST:PORT/NAME, redis+cluster://HOST:PORT,HOST:PORT, both with rediss for
 * TLS, and what parseRedisAddress() takes. Throws on anything else.
 */
export function parseSharedRedisAddress(url: string): SharedRedisAddress {
  const match = MANY.exec(url);
  if (match === null) return { kind: 'server', ...parseRedisAddress(url) };
  const [, scheme = '', topology = '', user = '', password = '', hosts = '', name = ''] = match;
  const kind = topology.toLowerCase() === 'sentinel' ? 'sentinel' : 'cluster';
  const nodes = hosts.split(',').map((host) => nodeOf(host, PORTS[kind]));
  const login: Login = {
    ...(user !== '' && { username: decodeURIComponent(user) }),
    ...(password !== '' && { password: decodeURIComponent(password) }),
    ...(scheme.toLowerCase() === 'rediss' && { tls: {} }),
  };
  const shown = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`);
  return kind === 'sentinel'
    ? {
        kind,
        shown: `${decodeURIComponent(name)} at Sentinels ${shown.join(', ')}`,
        sentinels: nodes,
        name: decodeURIComponent(name),
        login,
      }
    : { kind, shown: `cluster ${shown.join(', ')}`, nodes, login };
}

function nodeOf(text: string, port: number): Node {
  const url = new URL(`redis://${text}`);
  return {
    // URL keeps the brackets of an IPv6 address, net.connect takes it without.
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? port : Number(url.port),
  };
}
