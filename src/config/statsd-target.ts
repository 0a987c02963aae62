// Where statsd is, as text. Promise: a URL reads as the Datadog clients read DD_DOGSTATSD_URL, and what is
// formatted reads back as the same target.

import { isIPv6 } from 'node:net';
import type { StatsdTarget } from './config.ts';

const STATSD_FORM = 'write udp://host:port, unix:///path/of/socket, or leave it empty';
const DEFAULT_PORT = 8125;
const HOST_AND_PORT = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:/?#@[\]]{1,253}))(?::(\d{1,5}))?\/?$/;
const UNIX = /^unix(?:gram)?:\/\//;
/** As long as sun_path of Linux holds. */
const PATH_BYTES_MAX = 107;

/** Reads udp://host[:port], unix://path and unixgram://path. */
export function parseStatsdUrl(text: string): StatsdTarget | { readonly refused: string } {
  if (UNIX.test(text)) return unixTarget(text.replace(UNIX, ''));
  if (!text.startsWith('udp://')) return { refused: `not a statsd URL; ${STATSD_FORM}` };
  const [, ipv6, name, digits] = HOST_AND_PORT.exec(text.slice('udp://'.length)) ?? [];
  const host = ipv6 ?? name;
  const port = digits === undefined ? DEFAULT_PORT : Number(digits);
  const isUsable = host !== undefined && (ipv6 === undefined || isIPv6(ipv6));
  if (!isUsable || port < 1 || port > 65_535) {
    return { refused: `found no usable host and port; ${STATSD_FORM}` };
  }
  return { kind: 'udp', host, port };
}

/** The target as a URL. */
export function formatStatsdTarget(target: StatsdTarget | null): string {
  if (target === null) return '';
  if (target.kind === 'unix') return `unix://${target.path}`;
  const host = target.host.includes(':') ? `[${target.host}]` : target.host;
  return `udp://${host}:${target.port}`;
}

function unixTarget(path: string): StatsdTarget | { readonly refused: string } {
  if (!path.startsWith('/') || path.includes('\0')) {
    return { refused: `found no absolute path after unix://; ${STATSD_FORM}` };
  }
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) {
    return { refused: `found a path of more than ${PATH_BYTES_MAX} bytes; ${STATSD_FORM}` };
  }
  return { kind: 'unix', path };
}
