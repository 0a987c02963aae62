// The way down. Promise: the bouncer is not ready from the first moment, but serves clients for
// drain_delay; within drain_timeout commands in flight get their replies while clients leave in turns;
// then everything is closed, whatever a part of it throws at the beginning.

import type { Clock } from './base/clock.ts';
import { eachOf } from './base/each-of.ts';
import { pollUntil, sleep } from './base/poll-until.ts';
import type { Clients } from './client/clients.ts';
import { DEPARTURE_INTERVAL_MS } from './client/departure.ts';
import type { Logger } from './observe/log.ts';
import type { BouncerSettings } from './settings.ts';
import type { Live } from './base/live.ts';
import type { Surroundings } from './surroundings.ts';
import type { Upstream } from './upstream.ts';

export interface DrainParts {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info'>;
  readonly manager: Pick<Surroundings['manager'], 'stopping'>;
  readonly settings: Live<BouncerSettings>;
  readonly clients: Clients;
  readonly upstream: Upstream;
  readonly onBug: (error: unknown) => void;
  /** Done one after another when no more client is to come in; what one throws does not keep the next. */
  readonly closeTheDoor: readonly (() => void)[];
  /** Ends what answers until the last client and server connection has gone. */
  readonly closeTheRest: () => Promise<void>;
}

export class Drain {
  readonly #parts: DrainParts;
  readonly #ended = Promise.withResolvers<void>();
  #hasBegun = false;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Resolves when a drain has come to its end, whatever began it. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Begins it for `reason`, which is logged; later calls join the first. Resolves with `ended`. */
  begin(reason: string): Promise<void> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#run(reason).then(this.#ended.resolve, this.#ended.reject);
    }
    return this.ended;
  }

  async #run(reason: string): Promise<void> {
    const { clock, log, manager, settings, clients, upstream } = this.#parts;
    const { drainDelayMs, drainTimeoutMs } = settings.current;
    log.info({ reason, clients: clients.size, delayMs: drainDelayMs }, 'draining');
    manager.stopping();
    if (drainDelayMs > 0) await sleep(clock, drainDelayMs);
    const deadline = clock.now() + drainTimeoutMs;
    eachOf(this.#parts.onBug, this.#parts.closeTheDoor);
    await this.#letLeave(drainTimeoutMs / 2);
    await pollUntil(clock, () => clients.size === 0, deadline);
    clients.abandon();
    await upstream.stop(deadline);
    await this.#parts.closeTheRest();
  }

  /** FETCHes are sent until the last clients leave: those that stay would ask again without a pause. */
  async #letLeave(spreadMs: number): Promise<void> {
    const { clock, clients, upstream } = this.#parts;
    const departure = clients.depart(spreadMs);
    while (!departure.isLastTurn) {
      departure.takeTurn();
      await sleep(clock, DEPARTURE_INTERVAL_MS);
    }
    upstream.lanes.drain();
    departure.takeTurn();
  }
}
