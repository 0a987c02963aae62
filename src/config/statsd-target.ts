// Where statsd is, as text. Promise: a URL reads as the Datadog clients read DD_DOGSTATSD_URL; a variable
// of Datadog's that cannot be used is a warning, never a problem, since it is set for many programs.

import { isIPv6 } from 'node:net';
import type { StatsdTarget } from './config.ts';
import type { Environment } from './environment.ts';

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

/**
 * What DD_DOGSTATSD_URL or else DD_DOGSTATSD_SOCKET names. DD_AGENT_HOST alone names nothing: Datadog
 * sets it in every pod, for traces too, and each metric has its price there.
 */
export function readDatadogTarget(environment: Environment): {
  readonly target: StatsdTarget | null;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  for (const [variable, before] of [
    ['DD_DOGSTATSD_URL', ''],
    ['DD_DOGSTATSD_SOCKET', 'unix://'],
  ] as const) {
    const text = (environment[variable] ?? '').trim();
    if (text === '') continue;
    const target = parseStatsdUrl(before + text);
    if (!('refused' in target)) return { target, warnings };
    warnings.push(
      `Cannot send to statsd at the address in ${variable}: ${target.refused}. It is ignored; set statsd.url`,
    );
  }
  return { target: null, warnings };
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
