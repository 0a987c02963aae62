// Where Redis is, from `redis.url`. Promise: what is shown in logs holds neither user nor password.

/** The address that is dialled, and its name in logs. */
export interface RedisAddress {
  readonly shown: string;
  /** In the Redis client's own words. */
  readonly dial:
    | { readonly path: string; readonly password?: string }
    | {
        readonly host: string;
        readonly port: number;
        readonly username?: string;
        readonly password?: string;
        readonly tls?: Record<string, never>;
      };
}

/** Takes redis://, rediss://, unix:///path and a plain absolute path. Throws on anything else. */
export function parseRedisAddress(url: string): RedisAddress {
  if (url.startsWith('/')) return { shown: url, dial: { path: url } };
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed?.protocol === 'unix:' && parsed.host === '' && parsed.pathname.length > 1) {
    const path = decodeURIComponent(parsed.pathname);
    return { shown: path, dial: { path } };
  }
  const secure = parsed?.protocol === 'rediss:';
  if (parsed === null || parsed.hostname === '' || (!secure && parsed.protocol !== 'redis:')) {
    throw new Error(
      'Cannot read redis.url: write redis://host:port, rediss://host:port or the absolute path of a socket',
    );
  }
  // URL keeps the brackets of an IPv6 address, net.connect takes it without.
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = parsed.port === '' ? 6379 : Number(parsed.port);
  return {
    shown: `${parsed.hostname}:${port}`,
    dial: {
      host,
      port,
      ...(parsed.username !== '' && { username: decodeURIComponent(parsed.username) }),
      ...(parsed.password !== '' && { password: decodeURIComponent(parsed.password) }),
      ...(secure && { tls: {} }),
    },
  };
}
