// IP addresses and ranges as operators write them, both ways. Promise: a range holds what its text
// says and no more: a slip such as 10.0.0.1/8, which Node takes for 10.0.0.0/8, is refused.

import { isIPv4, isIPv6 } from 'node:net';

import type { AddressRange } from './config.ts';
import type { Refusal } from './urls.ts';

/** Reads `10.0.0.5`, `10.0.0.0/8`, `fd00::/8`. */
export function parseAddressRange(text: string): AddressRange | Refusal {
  const [host = '', length, ...more] = text.split('/');
  const bits = isIPv4(host) ? 32 : isIPv6(host) && !host.includes('%') ? 128 : 0;
  if (bits === 0 || more.length > 0)
    return { refused: 'write an address, or a range such as 10.0.0.0/8' };
  if (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)) {
    return { refused: 'write the length of the prefix behind the slash as a whole number' };
  }
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return { refused: `the prefix can have at most ${bits} bits` };
  const value = bits === 32 ? ipv4Bits(host) : ipv6Bits(host);
  if (bits === 128 && value >> 32n === 0xffffn) {
    return { refused: 'write an IPv4 address as such, without ::ffff:' };
  }
  if (value & ((1n << BigInt(bits - prefix)) - 1n)) {
    return {
      refused: `bits behind the prefix are set; write the first address of the range, or no /${prefix}`,
    };
  }
  return { host, prefix, family: bits === 32 ? 'ipv4' : 'ipv6' };
}

/** As `parseAddressRange` reads it. */
export function formatAddressRange({ host, prefix, family }: AddressRange): string {
  return prefix === (family === 'ipv4' ? 32 : 128) ? host : `${host}/${prefix}`;
}

function ipv4Bits(text: string): bigint {
  return text.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

/** Of a text that is an IPv6 address. */
function ipv6Bits(text: string): bigint {
  const dotted = text.slice(text.lastIndexOf(':') + 1);
  if (isIPv4(dotted)) {
    const low = ipv4Bits(dotted);
    const groups = `${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
    return ipv6Bits(text.slice(0, -dotted.length) + groups);
  }
  const [head = [], tail = null] = text.split('::').map(groupsOf);
  const zeros = tail === null ? 0 : 8 - head.length - tail.length;
  const all = [...head, ...Array<string>(zeros).fill('0'), ...(tail ?? [])];
  return all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':');
}
