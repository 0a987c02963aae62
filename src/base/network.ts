// The network, as everything else takes it: through a constructor. Promise: a test can hand in
// another one, whose every byte moves when the test says so.

import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Address, PortRange } from './address.ts';

/** Where a dial leaves from. */
export interface LocalEnd {
  /** An IP address of this machine; empty: the system picks. */
  readonly host: string;
  /** Null: the system picks. */
  readonly ports: PortRange | null;
}

/** TLS for a dial. */
export interface SecureDial {
  readonly context: SecureContext;
  /** The name or IP address that the server's certificate must have. */
  readonly serverName: string;
}

/**
 * Begins to connect to `address`; the socket says 'connect', or 'error' and 'close'. With `secure` it
 * says 'secureConnect' when the handshake is over and the certificate is found right.
 */
export type Dial = (address: Address, local: LocalEnd, secure: SecureDial | null) => Socket;

/** A port that accepts. */
export interface Listening {
  /** What was bound: the port, where 0 was asked for. */
  readonly address: Address;
  /** Accepts no more connections; those that exist stay. */
  close(): void;
}

/** Where and how to listen. */
export interface ListenOptions {
  /** Port 0: the system picks one. */
  readonly address: Address;
  /** Connections that the kernel holds until they are accepted. */
  readonly backlog: number;
  /** Whether other processes that say so too may listen there beside this one. */
  readonly reusePort: boolean;
}

/**
 * Listens, and rejects with the system's error. Each accepted socket is half-open and paused until it is
 * read.
 */
export type Listen = (
  options: ListenOptions,
  accepted: (socket: Socket) => void,
) => Promise<Listening>;
