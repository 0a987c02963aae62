// Durations, sizes and addresses as operators write them, both ways. Promise: what is formatted
// reads back as the same value. Which values an option allows is left to its kind.

import { isIPv4, isIPv6 } from 'node:net';

import type { Address, PortRange, SocketPath } from './config.ts';

/** One number and one unit, nothing between them. */
export const DURATION_PATTERN = /^(\d{1,12})(ms|s|m|h)$/;
export const SIZE_PATTERN = /^(\d{1,12})(B|kB|MB|GB|KiB|MiB|GiB)$/;

const MS_BY_UNIT: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
const BYTES_BY_UNIT: Readonly<Record<string, number>> = {
  GiB: 2 ** 30,
  MiB: 2 ** 20,
  KiB: 2 ** 10,
  GB: 1e9,
  MB: 1e6,
  kB: 1e3,
  B: 1,
};

/** Milliseconds of `250ms`, `2s`, `5m` or `1h`; null for anything else. */
export function parseDuration(text: string): number | null {
  return parseQuantity(DURATION_PATTERN.exec(text), MS_BY_UNIT);
}

/** Bytes of `16MiB`, `64kB` and the like; null for anything else. */
export function parseSize(text: string): number | null {
  return parseQuantity(SIZE_PATTERN.exec(text), BYTES_BY_UNIT);
}

/** The duration in the largest unit that leaves a whole number. */
export function formatDuration(durationMs: number): string {
  return durationMs === 0 ? '0s' : formatQuantity(durationMs, MS_BY_UNIT);
}

/** The size in the first of the binary, then the decimal units that leaves a whole number. */
export function formatSize(bytes: number): string {
  return bytes === 0 ? '0B' : formatQuantity(bytes, BYTES_BY_UNIT);
}

/** Reads `host:port` or `[ipv6]:port`; null for anything else. */
export function parseAddress(text: string): Address | null {
  const match = /^(?:\[([^\]]+)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text);
  if (match === null) return null;
  const [, bracketed, plain, digits] = match;
  const port = Number(digits);
  if (port > 65_535) return null;
  if (bracketed !== undefined) return isIPv6(bracketed) ? { host: bracketed, port } : null;
  if (plain === undefined || (/^[\d.]+$/.test(plain) && !isIPv4(plain))) return null;
  return { host: plain, port };
}

/** The address as `parseAddress` reads it. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The absolute path of a Unix socket, or `host:port`. */
export function formatPlace(place: Address | SocketPath): string {
  return 'path' in place ? place.path : formatAddress(place);
}

/** Reads `first-last`; undefined for anything else. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  return first >= 1 && first <= last && last <= 65_535 ? { first, last } : undefined;
}

/** The range as `parsePortRange` reads it; empty for none. */
export function formatPortRange(range: PortRange | null): string {
  return range === null ? '' : `${range.first}-${range.last}`;
}

function parseQuantity(
  match: RegExpExecArray | null,
  factors: Readonly<Record<string, number>>,
): number | null {
  const factor = factors[match?.[2] ?? ''];
  return factor === undefined ? null : Number(match?.[1]) * factor;
}

function formatQuantity(amount: number, factors: Readonly<Record<string, number>>): string {
  const whole = Object.entries(factors).find(([, factor]) => amount % factor === 0);
  if (whole === undefined)
    throw new RangeError(`Cannot format ${amount}: it is not a whole number`);
  return `${amount / whole[1]}${whole[0]}`;
}
