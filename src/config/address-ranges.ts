// IP addresses and networks as operators write them. Promise: a network is refused if its text could be
// taken for another one: with host bits, with a zone, or as IPv4 within IPv6.

import { isIP, isIPv6 } from 'node:net';

import type { AddressRange } from './config.ts';
import type { Refusal } from './urls.ts';

const PREFIX_PATTERN = /^\d{1,3}$/;
const FORM = 'write an IP address such as 10.0.0.5, or a network such as 10.0.0.0/8 or fd00::/8';

/** Reads `10.0.0.5`, `10.0.0.0/8`, `::1` or `fd00::/8`. */
export function parseAddressRange(text: string): AddressRange | Refusal {
  const [address = '', prefixText, ...surplus] = text.split('/');
  const bits = addressBits(address);
  if (bits === null || surplus.length > 0) return { refused: FORM };
  if (isIPv6(address) && bits.startsWith(MAPPED_BITS)) {
    return { refused: 'write an IPv4 address or network as IPv4, without ::ffff:' };
  }
  if (prefixText === undefined) return { address, prefix: bits.length };
  const prefix = PREFIX_PATTERN.test(prefixText) ? Number(prefixText) : Infinity;
  if (prefix > bits.length) {
    return { refused: `write a number from 0 to ${bits.length} behind the slash` };
  }
  if (bits.slice(prefix).includes('1')) {
    return {
      refused: 'the address has bits behind the prefix; write the first address of the network',
    };
  }
  return { address, prefix };
}

export function formatAddressRange({ address, prefix }: AddressRange): string {
  return prefix === (isIPv6(address) ? 128 : 32) ? address : `${address}/${prefix}`;
}

/** Those of ::ffff:0:0/96. */
const MAPPED_BITS = '0'.repeat(80) + '1'.repeat(16);

/** The bits of an address as text, null if it is none. */
function addressBits(address: string): string | null {
  if (address.includes('%')) return null;
  switch (isIP(address)) {
    case 4:
      return address
        .split('.')
        .map((part) => binary(Number(part), 8))
        .join('');
    case 6:
      return groupsOf(address)
        .map((group) => binary(parseInt(group, 16), 16))
        .join('');
    default:
      return null;
  }
}

/** The eight groups of an IPv6 address. */
function groupsOf(address: string): readonly string[] {
  const hex = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number);
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
  });
  const [before = '', behind] = hex.split('::');
  const first = before === '' ? [] : before.split(':');
  const last = behind === undefined || behind === '' ? [] : behind.split(':');
  return [...first, ...new Array<string>(8 - first.length - last.length).fill('0'), ...last];
}

function binary(value: number, digits: number): string {
  return value.toString(2).padStart(digits, '0');
}
