// IP addresses in one spelling, and ranges of them. Promise: an IPv4 address is the same address when
// the system writes it as IPv6 (::ffff:192.0.2.1), and only IPv4 ranges hold it.

import { BlockList, isIP, SocketAddress } from 'node:net';
import type { AddressRange } from './address.ts';

const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/** The one spelling of an IP address; what is not an IP address is returned as it is. */
export function canonicalAddress(text: string): string {
  const family = isIP(text);
  if (family !== 6 || text.includes('%')) return text;
  return new SocketAddress({ address: text, family: 'ipv6' }).address.replace(MAPPED, '');
}

export class AddressList {
  // One for each family: in a BlockList ::/0 holds every IPv4 address too.
  readonly #ranges = { ipv4: new BlockList(), ipv6: new BlockList() };

  constructor(ranges: readonly AddressRange[]) {
    for (const { host, prefix, family } of ranges) {
      this.#ranges[family].addSubnet(host, prefix, family);
    }
  }

  /** Whether a range holds `address`; false for what is not an IP address. */
  has(address: string): boolean {
    const canonical = canonicalAddress(address);
    const version = isIP(canonical);
    if (version === 0) return false;
    const family = version === 4 ? 'ipv4' : 'ipv6';
    return this.#ranges[family].check(canonical, family);
  }
}
