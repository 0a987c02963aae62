// What makes an acknowledgement mean that a job is stored. Promise: everything that finds out whether
// Faktory's writes are stored, and everything that holds writes back meanwhile, is built here.

import type { Clock } from './base/clock.ts';
import { Acknowledgements } from './lanes/acknowledgements.ts';
import type { NewQueues } from './lanes/new-queues.ts';
import { WriteGate } from './lanes/write-gate.ts';
import type { Counts } from './observe/counts.ts';
import type { Logger } from './observe/log.ts';
import { FaktoryRedis } from './redis/faktory-redis.ts';
import type { RedisInfo } from './redis/redis-info.ts';
import type { ControlConnection } from './server/control-connection.ts';
import type { ServerConnections } from './server/server-connections.ts';
import { WriteCheck } from './server/write-check.ts';
import type { WriteHealth } from './server/write-health.ts';
import type { Settings } from './settings.ts';

export interface StoredWritesParts {
  /** Where Faktory's Redis is; empty: it is not queried. */
  readonly redisUrl: string;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  readonly settings: Settings;
  readonly counts: Counts;
  readonly health: WriteHealth;
  readonly newQueues: NewQueues;
  readonly control: ControlConnection;
  readonly servers: ServerConnections;
  readonly onBug: (error: unknown) => void;
}

export class StoredWrites {
  /** Where writes wait. */
  readonly gate: WriteGate;
  /** Which `+OK` is passed on. */
  readonly acknowledgements: Acknowledgements;
  readonly #check: WriteCheck;
  readonly #redis: FaktoryRedis;

  constructor(parts: StoredWritesParts) {
    const { clock, log, settings, counts, health, newQueues, control, servers, onBug } = parts;
    this.#redis = new FaktoryRedis({
      url: parts.redisUrl,
      intervalMs: () => settings.bouncer.current.redisIntervalMs,
      clock,
      log,
      listener: health,
      onBug,
    });
    this.gate = new WriteGate({
      clock,
      settings: settings.lanes,
      counts: counts.lanes,
      health,
      newQueues,
      onBug,
    });
    this.#check = new WriteCheck({
      clock,
      settings: settings.writes,
      health,
      probes: counts.server.probes,
      control,
      servers,
      writes: this.gate,
      redisIsAsked: () => this.#redis.tellsOfWrites,
    });
    this.acknowledgements = new Acknowledgements({
      clock,
      settings: settings.writes,
      counts: counts.lanes,
      health,
    });
  }

  /** Redis's last INFO; null: it is not queried, or does not answer. */
  get redisInfo(): RedisInfo | null {
    return this.#redis.info;
  }

  start(): void {
    this.#check.start();
    this.#redis.start();
  }

  /** A reload has changed the settings. */
  settingsChanged(): void {
    this.gate.reconsider();
    this.#redis.settingsChanged();
  }

  /** Asks nothing any more. */
  stop(): void {
    this.#check.stop();
    this.#redis.stop();
  }
}
