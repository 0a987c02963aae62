// The Redis behind Faktory, asked directly. Promise: without a redis.url nothing is asked and nothing is
// known; what Redis says of writes goes to Faktory's write health.

import type { Clock } from '../base/clock.ts';
import type { RedisTrouble } from '../protocol/redis-errors.ts';
import type { RedisInfo } from './redis-info.ts';
import { type ProbeLog, RedisProbe } from './redis-probe.ts';
import { type WriteListener, WriteProbe, type WriteState } from './write-probe.ts';

/** What it tells; `now` is in monotonic ms. */
export interface RedisListener {
  /** Redis has accepted a write. */
  sawRedisAccept(now: number): void;
  /** Redis refuses writes, or has stopped to answer. */
  sawTrouble(now: number, trouble: RedisTrouble): void;
}

export interface FaktoryRedisParts {
  /** As in `redis.url`; empty: Redis is not queried. */
  readonly url: string;
  /** Time between two INFOs, ms; asked before each wait. */
  readonly intervalMs: () => number;
  readonly clock: Clock;
  readonly log: ProbeLog;
  readonly listener: RedisListener;
  /** The listener has thrown. */
  readonly onBug: (error: unknown) => void;
}

interface Probes {
  readonly info: RedisProbe;
  readonly writes: WriteProbe;
}

export class FaktoryRedis implements WriteListener {
  readonly #clock: Clock;
  readonly #listener: RedisListener;
  readonly #probes: Probes | null;
  #tellsOfWrites = false;

  /** Throws when the URL cannot be read; dials nothing yet. */
  constructor({ url, intervalMs, clock, log, listener, onBug }: FaktoryRedisParts) {
    this.#clock = clock;
    this.#listener = listener;
    this.#probes =
      url === ''
        ? null
        : {
            info: new RedisProbe({ url, intervalMs, log }),
            writes: new WriteProbe({ url, clock, listener: this, onBug }),
          };
  }

  /** Redis's last INFO; null: it is not queried, or does not answer. */
  get info(): RedisInfo | null {
    return this.#probes?.info.info ?? null;
  }

  /** Whether the last question about writes was answered. */
  get tellsOfWrites(): boolean {
    return this.#tellsOfWrites;
  }

  start(): void {
    this.#probes?.info.start();
    this.#probes?.writes.start();
  }

  /** The interval may be another. */
  settingsChanged(): void {
    this.#probes?.info.settingsChanged();
  }

  /** Closes both connections; nothing is told any more. */
  stop(): void {
    this.#probes?.info.stop();
    this.#probes?.writes.stop();
  }

  onWrites(state: WriteState): void {
    const now = this.#clock.now();
    const toldBefore = this.#tellsOfWrites;
    this.#tellsOfWrites = state.kind === 'accepted' || state.kind === 'refused';
    if (state.kind === 'accepted') this.#listener.sawRedisAccept(now);
    else if (state.kind === 'refused') this.#listener.sawTrouble(now, state);
    // It answered until now. Out of reach for the bouncer alone, it would be silent all the time.
    else if (state.kind === 'silent' && toldBefore) this.#listener.sawTrouble(now, state);
  }
}
