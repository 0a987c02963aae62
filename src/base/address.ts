// Where to listen or dial.

/** A TCP address; an IPv6 host is held without its brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** TCP ports, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** IP addresses that share their first `prefix` bits with `host`, whose other bits are 0. */
export interface AddressRange {
  readonly host: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}
