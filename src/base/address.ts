// Where to listen or dial.

/** A TCP address; an IPv6 host is held without its brackets. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A Unix socket, by its path. */
export interface SocketPath {
  readonly path: string;
}

/** TCP ports, both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** An IP address or network: the addresses whose first `prefix` bits are those of `address`. */
export interface AddressRange {
  readonly address: string;
  readonly prefix: number;
}
