// Faktory's and Redis's addresses as URLs. Promise: nothing that this file gives back to be shown,
// neither a refusal nor a formatted URL, holds a password.

import { parseAddress, formatAddress } from './units.ts';
import type { Address } from './config.ts';

/** Shown instead of a password. */
export const HIDDEN = '****';

const PASSWORD_IN_URL = /(:\/\/[^/@]*?:)[^/@]*@/g;

/** The text with the passwords of all URLs in it hidden: one may stand where no URL is expected. */
export function withoutPasswords(text: string): string {
  return text.replaceAll(PASSWORD_IN_URL, `$1${HIDDEN}@`);
}

/** What `server.url` says; an empty `password` means that the URL has none. */
export interface ServerUrl {
  readonly address: Address;
  /** tcp+tls. */
  readonly secure: boolean;
  readonly username: string;
  readonly password: string;
}

/** Why a URL cannot be used, in words that do not quote it. */
export interface Refusal {
  readonly refused: string;
}

const SERVER_FORM =
  'write tcp://host:port, tcp://:password@host:port or tcp://user:password@host:port, or tcp+tls:// for TLS';
const REDIS_FORM =
  'write redis://host:port, rediss://host:port or the absolute path of a socket, or leave it empty';

/** Reads a URL as Faktory's clients read FAKTORY_URL (client/client.go ReadFromEnv). */
export function parseServerUrl(text: string): ServerUrl | Refusal {
  const secure = /^tcp\+tls:\/\//i.test(text);
  if (!secure && !/^tcp:\/\//i.test(text)) {
    return { refused: `does not start with tcp:// or tcp+tls://; ${SERVER_FORM}` };
  }
  if (!URL.canParse(text)) {
    return {
      refused: `not a URL; ${SERVER_FORM}, with / ? # @ : % in a password percent-encoded`,
    };
  }
  const url = new URL(text);
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    return {
      refused: `found text after the port; ${SERVER_FORM}, with / ? # in a password percent-encoded`,
    };
  }
  if (url.port === '') return { refused: `found no port; ${SERVER_FORM}, usually with port 7419` };
  const address = parseAddress(`${url.hostname}:${url.port}`);
  if (address === null || address.port === 0) {
    return { refused: `found no usable host and port; ${SERVER_FORM}` };
  }
  const username = percentDecoded(url.username);
  const password = percentDecoded(url.password);
  if (username === null || password === null) {
    return {
      refused:
        'found a % in the user or password that does not start a UTF-8 escape; write it as %25',
    };
  }
  return { address, secure, username, password };
}

/** The URL with its password hidden. */
export function formatServerUrl({ address, secure, username, password }: ServerUrl): string {
  const secret = password === '' ? '' : `:${HIDDEN}`;
  const user = `${encodeURIComponent(username)}${secret}`;
  return `${secure ? 'tcp+tls' : 'tcp'}://${user === '' ? '' : `${user}@`}${formatAddress(address)}`;
}

const MANY_FORM =
  'write redis://host:port, redis+sentinel://host:port,host:port/NAME, redis+cluster://host:port,host:port, each with rediss for TLS, or the absolute path of a socket, or leave it empty';
const MANY_REDIS = /^rediss?\+(sentinel|cluster):\/\/(?:([^@/]*)@)?([^@/?#]+)(?:\/([^/?#]*))?$/i;

/** Null when `shared_limits.redis_url` can be used: as redis.url, or of Sentinels or a cluster. */
export function refuseSharedRedisUrl(text: string): Refusal | null {
  if (!/^rediss?\+/i.test(text)) {
    const refusal = refuseRedisUrl(text);
    return refusal && { refused: refusal.refused.replace(REDIS_FORM, MANY_FORM) };
  }
  const [, topology = '', login = '', hosts = '', name] = MANY_REDIS.exec(text) ?? [];
  const areHosts =
    hosts !== '' && hosts.split(',').every((host) => isHostAndPort(`redis://${host}`));
  if (!areHosts || percentDecoded(login) === null || percentDecoded(name ?? '') === null) {
    return { refused: `not a Redis URL; ${MANY_FORM}` };
  }
  if (topology.toLowerCase() === 'sentinel' && (name ?? '') === '') {
    return { refused: `found no name of the primary after the Sentinels; ${MANY_FORM}` };
  }
  if (topology.toLowerCase() === 'cluster' && (name ?? '') !== '') {
    return { refused: `found a name after the nodes of a cluster; ${MANY_FORM}` };
  }
  return null;
}

function isHostAndPort(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { hostname, pathname, username } = new URL(text);
  return hostname !== '' && username === '' && (pathname === '' || pathname === '/');
}

/** Null when `redis.url` can be used: empty, redis://, rediss://, unix:// or a socket's path. */
export function refuseRedisUrl(text: string): Refusal | null {
  if (text === '' || text.startsWith('/')) return null;
  const refused = { refused: `not a Redis URL; ${REDIS_FORM}` };
  if (!URL.canParse(text)) return refused;
  const url = new URL(text);
  if (url.search !== '' || url.hash !== '') {
    return { refused: `found a query or a fragment, which are not supported; ${REDIS_FORM}` };
  }
  if (percentDecoded(url.username) === null || percentDecoded(url.password) === null)
    return refused;
  if (url.protocol === 'unix:') {
    const path = percentDecoded(url.pathname);
    return url.host === '' && path !== null && path.length > 1 ? null : refused;
  }
  const known = url.protocol === 'redis:' || url.protocol === 'rediss:';
  return known && url.hostname !== '' ? null : refused;
}

/** The URL with its password hidden. */
export function formatRedisUrl(text: string): string {
  // Several hosts do not make a URL.
  if (!URL.canParse(text)) return withoutPasswords(text);
  const url = new URL(text);
  if (url.password === '') return text;
  url.password = HIDDEN;
  return url.href;
}

function percentDecoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
