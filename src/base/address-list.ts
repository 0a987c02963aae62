// Addresses and networks to look an address up in. Promise: an IPv4 address that is written as IPv6
// (::ffff:10.0.0.5) is its IPv4 address, and in no IPv6 network; what is not an IP address is in no list.

import { BlockList, isIP, isIPv4, SocketAddress } from 'node:net';

import type { AddressRange } from './address.ts';

const MAPPED = /^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i;

/**
 * The one spelling of an IP address, as it is counted and compared: IPv4 where it is one. What is not an
 * IP address, or has a zone, is returned as it is.
 */
export function canonicalAddress(address: string): string {
  if (isIP(address) !== 6 || address.includes('%')) return address;
  return new SocketAddress({ address, family: 'ipv6' }).address.replace(MAPPED, '');
}

export class AddressList {
  readonly isEmpty: boolean;
  /** Two lists: one would find IPv4 addresses in ::/0. */
  readonly #ipv4 = new BlockList();
  readonly #ipv6 = new BlockList();

  constructor(ranges: readonly AddressRange[]) {
    this.isEmpty = ranges.length === 0;
    for (const { address, prefix } of ranges) {
      if (isIPv4(address)) this.#ipv4.addSubnet(address, prefix, 'ipv4');
      else this.#ipv6.addSubnet(address, prefix, 'ipv6');
    }
  }

  has(address: string): boolean {
    if (this.isEmpty) return false;
    // The zone of a link-local address names an interface of this machine, and no network.
    const bare = canonicalAddress(address.split('%', 1)[0] ?? '');
    switch (isIP(bare)) {
      case 4:
        return this.#ipv4.check(bare, 'ipv4');
      case 6:
        return this.#ipv6.check(bare, 'ipv6');
      default:
        return false;
    }
  }
}
