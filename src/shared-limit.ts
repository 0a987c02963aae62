// The limit that several bouncers share, as this one takes part in it. Promise: what is leased goes to the
// limits, and dials rest on the lease; what becomes of it is counted and logged. Without shared_limits
// none of it is there.

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
import { timingOf } from './sharing/timing.ts';
import type { Upstream } from './upstream.ts';

export interface SharedLimitParts {
  readonly config: Config['sharedLimits'];
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
  readonly #client: LeaseClient;
  readonly #lease: SharedLease;
  /** Why the last request failed; null: it was answered. */
  #trouble: string | null = null;

  constructor(parts: SharedLimitParts) {
    this.#parts = parts;
    const { config, clock, settings, upstream, places, admission } = parts;
    const timing = timingOf(config.expiryMs);
    this.#client = new LeaseClient({
      url: config.redisUrl,
      password: config.redisPassword,
      key: config.key,
      clock,
      timeoutMs: timing.timeoutMs,
      onTrouble: (reason) => {
        this.#trouble = reason;
      },
      onBug: parts.onBug,
    });
    const port: LeasePort = this.#client;
    const lease = new SharedLease({
      clock,
      timing,
      terms: this.#terms(),
      block: config.block,
      newId: () => randomUUID(),
      port,
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
    const { config, log } = this.#parts;
    const { key, replicasExpected } = config;
    log.info(
      { redis: this.#client.shown, key, replicasExpected },
      'limits.server_connections is shared with other bouncers',
    );
    this.#lease.start();
  }

  /** Gives the lease back; resolves when Redis knows, or cannot be told. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#lease.stop(() => {
        this.#client.close();
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
    const fields = { redis: this.#client.shown, places: this.#lease.usable };
    switch (state) {
      case 'starting':
        return;
      case 'leased':
        log.info(fields, 'server connections are leased from the shared limit');
        return;
      case 'fallback':
        log.warn(
          { ...fields, reason: this.#trouble },
          'the lease of server connections is over and Redis does not renew it; only a few new ones are opened until it does. See docs/scale.md',
        );
    }
  }

  onOutcome(outcome: LeaseOutcome): void {
    this.#parts.counts.requests.add(outcome);
  }

  #terms(): Terms {
    const { config, settings } = this.#parts;
    return {
      limit: settings.limits.serverConnections.of('configured'),
      replicas: config.replicasExpected,
      guaranteed: config.guaranteed,
    };
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
