// What a seed decides before anything happens: the mode, the limits, how fast Faktory is and what may
// go wrong. Promise: each option that the model's promises rest on is drawn from values that matter.

import type { Config, Mode } from '../../../src/config/config.ts';
import { configFor } from '../../support/bouncer.ts';
import { BACKLOG, type ServiceTimes } from '../../support/memory-redis.ts';
import type { Dice } from './dice.ts';

export interface Plan {
  readonly config: Config;
  readonly steps: number;
  /** Clients that are there at most at once. */
  readonly clients: number;
  /** Commands that a client has outstanding at most. */
  readonly pipeline: number;
  readonly times: ServiceTimes;
  /** What the network takes for a client that does not read. */
  readonly networkBytes: number;
  /** How likely a misfortune is, per step. */
  readonly misfortunes: number;
  /** Kinds of misfortunes that may happen. */
  readonly kinds: ReadonlySet<Hazard>;
}

export const HAZARDS = ['client', 'server', 'redis', 'clock', 'limits', 'sink', 'drain'] as const;
/** What may go wrong, in kinds. */
export type Hazard = (typeof HAZARDS)[number];

const HAZARD_CHANCE: Record<Hazard, number> = {
  client: 0.8,
  server: 0.7,
  redis: 0.2,
  clock: 0.3,
  limits: 0.3,
  sink: Number(process.env['MODEL_SINK_CHANCE'] ?? 0.15),
  drain: 0.2,
};

const PASSWORD = 'secret';

/** `mode`: null where the seed decides it too. */
export function planOf(dice: Dice, mode: Mode | null): Plan {
  const chosen = mode ?? dice.either<Mode>(0.5, 'session', 'pooled');
  return {
    config: drawConfig(dice, chosen),
    steps: 200 + dice.upTo(500),
    clients: 3 + dice.upTo(9),
    pipeline: dice.either(0.3, 4, 1),
    times: drawTimes(dice),
    networkBytes: dice.either(0.2, 16_000, Infinity),
    misfortunes: dice.pick([0, 0.01, 0.02, 0.05]) ?? 0,
    kinds: new Set(HAZARDS.filter((hazard) => dice.chance(HAZARD_CHANCE[hazard]))),
  };
}

/** Other limits and times, as a reload may bring: some higher, some lower. */
export function redrawn(dice: Dice, config: Config): Config {
  const other = drawConfig(dice, config.mode);
  return {
    ...other,
    server: { ...other.server, password: config.server.password },
    mode: config.mode,
    pool: { ...other.pool, commandConnections: config.pool.commandConnections },
    limits: { ...other.limits, serverConnections: drawConnections(dice, config) },
    drainTimeoutMs: config.drainTimeoutMs,
  };
}

function drawConnections(dice: Dice, { mode, pool }: Config): number {
  // Some have room for all, in others clients wait for places.
  return mode === 'pooled' ? pool.commandConnections + 2 + dice.upTo(6) : 2 + dice.upTo(10);
}

function drawConfig(dice: Dice, mode: Mode): Config {
  const base = baseConfig(mode);
  const fetchesPerWorker = 1 + dice.upTo(3);
  const pool = {
    ...base.pool,
    commandConnections: 1 + dice.upTo(3),
    fetchesPerWorker,
    fetchesPerWorkerMax: fetchesPerWorker + dice.upTo(4),
    bulkPush: dice.chance(0.5),
    outageWaitMs: dice.either(0.2, 500, 4000),
  };
  const serverConnections = drawConnections(dice, { ...base, pool });
  const bufferedBytes = dice.either(0.1, 64 * 1024, 1024 * 1024);
  return {
    ...base,
    pool,
    server: {
      ...base.server,
      password: dice.either(0.3, PASSWORD, ''),
      infoIntervalMs: dice.either(0.3, 5000, 0),
    },
    limits: {
      clients: dice.either(0.15, 2 + dice.upTo(4), 100),
      handshakes: dice.either(0.3, 1 + dice.upTo(2), 100),
      serverConnections,
      producerReserve: dice.upTo(Math.min(5, serverConnections)),
      fetchesInFlight: 1 + dice.upTo(4),
      commandsInFlight: 1 + dice.upTo(dice.either(0.3, 3 * BACKLOG, BACKLOG - 1)),
      adaptive: dice.chance(0.2),
      adaptiveMin: 1 + dice.upTo(3),
      perWorker: dice.either(0.2, 1 + dice.upTo(3), 0),
      perAddress: dice.either(0.1, 2 + dice.upTo(4), 0),
      idleTimeoutMs: dice.either(0.1, 5000, 0),
      bufferedBytes,
      evict: 'none',
    },
    waitingLine: { size: dice.either(0.3, dice.upTo(3), 100), timeoutMs: 4000 },
    refusalDelayMs: dice.either(0.3, 500, 0),
    maxCommandBytes: bufferedBytes,
    observeOnly: dice.chance(0.04),
  };
}

function drawTimes(dice: Dice): ServiceTimes {
  const meanMs = dice.pick([2, 20, 200]) ?? 2;
  if (dice.chance(0.6)) return { kind: 'none' };
  return { kind: dice.either<'delay' | 'cpu'>(0.5, 'cpu', 'delay'), meanMs };
}

const BASES = new Map<Mode, Config>();

/** Read once: it is the loader's own work that takes long. */
function baseConfig(mode: Mode): Config {
  let base = BASES.get(mode);
  if (base === undefined) {
    const overrides = {
      mode,
      'log.level': 'debug',
      drain_timeout: '25s',
      write_stall_timeout: '1h',
    } as const;
    BASES.set(mode, (base = configFor({ port: 1, overrides })));
  }
  return base;
}
