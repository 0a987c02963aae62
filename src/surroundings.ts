// Everything outside of the event loop that a bouncer needs. Promise: a bouncer reaches the clock,
// chance, the network, the hashing thread and the log through these alone, so that a test can hand in
// others.

import type { AdminServerOptions } from './admin/admin-server.ts';
import { AdminServer } from './admin/admin-server.ts';
import { PageFiles } from './admin/page-files.ts';
import type { Address, SocketPath } from './base/address.ts';
import { type Clock, SystemClock } from './base/clock.ts';
import { Hasher } from './base/hasher.ts';
import { listen, listenOnGiven, systemDial } from './base/lean-socket.ts';
import { type ServiceManager, SILENT } from './base/service-manager.ts';
import type { Dial, Listen } from './base/network.ts';
import type { Logger } from './observe/log.ts';
import type { ConfigSource } from './reloads.ts';
import type { LeasePort } from './sharing/lease.ts';

/** What a bouncer gives its admin address. */
export type AdminOptions = Omit<AdminServerOptions, 'page'>;

/** The admin address; it answers until it is closed. */
export interface Admin {
  /** Resolves with what was bound. */
  listen(place: Address | SocketPath): Promise<Address | SocketPath>;
  close(): Promise<void>;
}

export interface Surroundings {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly dial: Dial;
  readonly listen: Listen;
  readonly log: Logger;
  /** What a reload reads. */
  readonly configSource: ConfigSource;
  /** It is told of reloads and of the stop, whatever asked for them. */
  readonly manager: Pick<ServiceManager, 'reloading' | 'reloaded' | 'stopping'>;
  /** Where passwords are hashed, off the event loop. */
  readonly hasher: Hasher;
  /** `options` is asked once: it makes the registry of metrics, which samples the event loop. */
  readonly admin: (options: () => AdminOptions) => Admin;
  /** The parent process, where this is one of several processes: it lends places. Absent: there is none. */
  readonly parent?: LeasePort;
}

/** What the process was started with. */
export interface Handed {
  /** A listening socket; null: the bouncer opens its own. */
  readonly givenFd: number | null;
  readonly manager: ServiceManager;
}

/** The machine's own, and what is handed in. */
export function systemSurroundings(
  log: Logger,
  configSource: ConfigSource,
  { givenFd, manager }: Handed = { givenFd: null, manager: SILENT },
): Surroundings {
  return {
    clock: new SystemClock(),
    random: Math.random,
    dial: systemDial(),
    listen: givenFd === null ? listen : listenOnGiven(givenFd),
    log,
    configSource,
    manager,
    hasher: new Hasher(),
    admin: (options) => new AdminServer({ ...options(), page: new PageFiles() }),
  };
}
