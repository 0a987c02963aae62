// The limit that several bouncers share, or the processes of one, as this one takes part in it. Promise: what is
// leased goes to the limits, and dials rest on the lease; what becomes of it is counted and logged. Without
// shared_limits and with one process none of it is there.

import { randomUUID } from 'node:crypto';
import type { Admission } from './admission/admission.ts';
import type { Places } from './admission/places.ts';
import type { Clock } from './base/clock.ts';
import type { Config } from './config/config.ts';
import type { Snapshot } from './observe/snapshot.ts';
import type { Logger } from './observe/log.ts';
import { LeaseClient } from './redis/lease-client.ts';
import type { Settings } from './settings.ts';
import type { LeasePort, Terms } from './sharing/lease.ts';
import { type LeaseListener, SharedLease } from './sharing/shared-lease.ts';
import type { HolderState, LeaseOutcome, SharingCounts } from './sharing/sharing-counts.ts';
import { type LeaseTiming, timingOf } from './sharing/timing.ts';
import type { Upstream } from './upstream.ts';

/** Who lends. */
export type Lending =
  | { readonly kind: 'redis'; readonly config: Config['sharedLimits'] }
  /** The parent of the processes of one bouncer. */
  | { readonly kind: 'parent'; readonly port: LeasePort; readonly processes: number };

/** The parent lends to processes of its own machine, whose end it sees: it need not wait long. */
export const PARENT_EXPIRY_MS = 5000;
const PARENT_BLOCK = 16;

export interface SharedLimitParts {
  readonly lending: Lending;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly settings: Settings;
  readonly admission: Admission;
  readonly places: Places;
  readonly upstream: Upstream;
  readonly counts: SharingCounts;
  readonly onBug: (error: unknown) => void;
}

export class SharedLimit implements LeaseListener {
  readonly #parts: SharedLimitParts;
  readonly #lender: Lender;
  readonly #lease: SharedLease;
  /** Why the last request failed; null: it was answered. */
  #trouble: string | null = null;

  constructor(parts: SharedLimitParts) {
    this.#parts = parts;
    const { clock, settings, upstream, places, admission } = parts;
    const lender = lenderOf(parts, (reason) => {
      this.#trouble = reason;
    });
    this.#lender = lender;
    const lease = new SharedLease({
      clock,
      timing: lender.timing,
      terms: this.#terms(),
      block: lender.block,
      newId: () => randomUUID(),
      port: lender.port,
      taken: () => {
        const { any, workers } = admission.placesWanted;
        // The bouncer's own connection has a place, and needs no lease.
        return { used: upstream.permits.used, taken: places.taken - 1, waiting: any + workers };
      },
      count: (done) => upstream.count(done),
      listener: this,
    });
    this.#lease = lease;
    const { watch } = lease;
    upstream.permits.restOn({
      mayDial: (used) => !settings.limits.serverConnections.isEnforced || lease.mayDial(used),
      opened: () => watch.opened(),
      answered: (trust) => watch.answered(trust),
      closed: (trust) => watch.closed(trust),
      ownOpened: () => lease.ownOpened(),
      ownLost: () => lease.ownLost(),
    });
    places.onScarce(() => lease.wanted());
    places.onWanted(() => lease.wanted());
  }

  start(): void {
    const { lending, log } = this.#parts;
    if (lending.kind === 'redis') {
      const { key, replicasExpected } = lending.config;
      log.info(
        { ...this.#lender.shown, key, replicasExpected },
        'limits.server_connections is shared with other bouncers',
      );
    }
    this.#lease.start();
  }

  /** Gives the lease back; resolves when Redis knows, or cannot be told. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#lease.stop(() => {
        this.#lender.close();
        resolve();
      });
    });
  }

  /** A reload has changed the limit. */
  settingsChanged(): void {
    this.#lease.termsChanged(this.#terms());
    this.#apply();
  }

  /** What there is to tell. */
  gauges(): NonNullable<Snapshot['sharedLimit']> {
    const lease = this.#lease;
    return {
      lender: this.#parts.lending.kind,
      state: lease.state,
      leased: lease.leased,
      usable: lease.usable,
      house: lease.house,
      elsewhere: lease.elsewhere,
      trouble: this.#trouble,
    };
  }

  onPlaces(): void {
    this.#apply();
  }

  onState(state: HolderState): void {
    const { counts, log } = this.#parts;
    if (state === 'fallback') counts.fallbacks.total += 1;
    const fields = { ...this.#lender.shown, places: this.#lease.usable };
    switch (state) {
      case 'starting':
        return;
      case 'leased':
        log.info(fields, 'server connections are leased from the shared limit');
        return;
      case 'fallback':
        log.warn(
          { ...fields, reason: this.#trouble ?? 'this process has not run for a while' },
          `the lease of server connections is over and ${this.#lender.name} does not renew it; only a few new ones are opened until it does. See docs/scale.md`,
        );
    }
  }

  onOutcome(outcome: LeaseOutcome): void {
    this.#parts.counts.requests.add(outcome);
  }

  #terms(): Terms {
    const limit = this.#parts.settings.limits.serverConnections.of('configured');
    return { limit, replicas: this.#lender.replicas, guaranteed: this.#lender.guaranteed };
  }

  #apply(): void {
    const { serverConnections, fetchesInFlight } = this.#parts.settings.limits;
    const { usable, leased } = this.#lease;
    serverConnections.set('leased', usable + 1);
    // The same part of the FETCHes: together they must not fill Faktory's Redis pool either.
    const part = (Math.max(usable, leased) + 1) / serverConnections.of('configured');
    fetchesInFlight.set('leased', Math.ceil(fetchesInFlight.of('configured') * Math.min(1, part)));
    this.#parts.upstream.permits.changed();
  }
}

/** Where the lease comes from, and on which terms. */
interface Lender {
  readonly port: LeasePort;
  readonly timing: LeaseTiming;
  readonly block: number;
  readonly replicas: number;
  readonly guaranteed: number;
  /** For the log. */
  readonly name: string;
  readonly shown: { readonly redis?: string };
  close(): void;
}

/** `onTrouble` hears why a request failed; null: one was answered. */
function lenderOf(
  { lending, clock, onBug }: SharedLimitParts,
  onTrouble: (reason: string | null) => void,
): Lender {
  switch (lending.kind) {
    case 'redis': {
      const { config } = lending;
      const timing = timingOf(config.expiryMs);
      const client = new LeaseClient({
        url: config.redisUrl,
        password: config.redisPassword,
        key: config.key,
        clock,
        timeoutMs: timing.timeoutMs,
        onTrouble,
        onBug,
      });
      return {
        port: client,
        timing,
        block: config.block,
        replicas: config.replicasExpected,
        guaranteed: config.guaranteed,
        name: 'Redis',
        shown: { redis: client.shown },
        close: () => client.close(),
      };
    }
    case 'parent': {
      const { port, processes } = lending;
      return {
        port: {
          send: (request, done) =>
            port.send(request, (reply) => {
              onTrouble(reply === null ? 'no answer in time' : null);
              done(reply);
            }),
        },
        timing: timingOf(PARENT_EXPIRY_MS),
        block: PARENT_BLOCK,
        replicas: processes,
        // A process without its parent drains.
        guaranteed: 0,
        name: 'the parent process',
        shown: {},
        close: () => {},
      };
    }
  }
}
