// What becomes of the limits in front of servers of two kinds, one whose CPU is full and one that waits
// for its Redis, when each is slowed to a tenth for 20 s. The servers are models; time is theirs.

import t from 'tap';
import {
  type AdaptiveBounds,
  type AdaptiveDecision,
  AdaptiveLimit,
  type AdaptiveLoad,
} from '../../src/lanes/adaptive-limit.ts';
import { type Simulated, simulate, type SimulationOptions } from './simulated-server.ts';

const SLOW_FROM_MS = 15_000;
const SLOW_TO_MS = 35_000;
/** The work that was at the server when it became slow has to be done first. */
const SETTLED_MS = SLOW_FROM_MS + 4000;
const END_MS = SLOW_TO_MS + 30_000;

const slowed = (now: number): number => (now >= SLOW_FROM_MS && now < SLOW_TO_MS ? 10 : 1);

const FULL_CPU: SimulationOptions = {
  law: { kind: 'cpu', cores: 2, workMs: 0.4 },
  seconds: END_MS / 1000,
  pushesPerSecond: 125,
  workers: 300,
  jobMs: 0,
  slowness: slowed,
  fetchesMax: 800,
  commandsMax: 500,
  min: 4,
  adaptive: null,
};
/** What a PUSH waits behind is the floor of FETCHes, and the ACKs of the jobs that they bring. */
const FREE_CPU: SimulationOptions = {
  ...FULL_CPU,
  law: { kind: 'cpu', cores: 2, workMs: 1 },
  pushesPerSecond: 50,
  workers: 80,
  jobMs: 160,
  min: 2,
};
const SLOW_REDIS: SimulationOptions = {
  ...FULL_CPU,
  law: { kind: 'redis', waitMs: 10 },
  workers: 100,
  jobMs: 50,
};

function p99({ pushes }: Simulated, fromMs: number, toMs: number): number {
  const all = pushes.filter(({ at }) => at >= fromMs && at < toMs).map(({ ms }) => ms);
  all.sort((a, b) => a - b);
  return all[Math.floor(all.length * 0.99)] ?? Infinity;
}

function acks({ acksBySecond }: Simulated, fromMs: number, toMs: number): number {
  return acksBySecond.slice(fromMs / 1000, toMs / 1000).reduce((sum, count) => sum + count, 0);
}

/** The lowest that a limit was in a time. */
function lowest(
  { limits }: Simulated,
  which: 'fetches' | 'commands',
  fromMs = 0,
  toMs = END_MS,
): number {
  return Math.min(
    ...limits.filter(({ at }) => at >= fromMs && at < toMs).map((limit) => limit[which]),
  );
}

t.test('a full CPU that is slowed to a tenth goes on to take PUSHes in time', async (t) => {
  const fixed = simulate(FULL_CPU);
  const adaptive = simulate({ ...FULL_CPU, adaptive: new AdaptiveLimit() });
  const usual = p99(adaptive, 5000, SLOW_FROM_MS);
  t.ok(p99(adaptive, SETTLED_MS, SLOW_TO_MS) <= 5 * usual, 'within five times of before');
  t.ok(p99(fixed, SETTLED_MS, SLOW_TO_MS) > 5 * usual, 'the fixed limit is not');
  const kept = acks(adaptive, SETTLED_MS, SLOW_TO_MS) / acks(fixed, SETTLED_MS, SLOW_TO_MS);
  t.ok(kept > 0.9, 'as much work is done meanwhile');
  const back = acks(adaptive, END_MS - 5000, END_MS) / acks(fixed, END_MS - 5000, END_MS);
  t.ok(back > 0.95, 'all of it 25 s after');
});

t.test(
  'a CPU that only becomes full when it is slowed holds FETCHes back, and PUSHes not',
  async (t) => {
    const unloaded = simulate({ ...FREE_CPU, workers: 0 });
    const fixed = simulate(FREE_CPU);
    const adaptive = simulate({ ...FREE_CPU, adaptive: new AdaptiveLimit() });
    const alone = p99(unloaded, SETTLED_MS, SLOW_TO_MS);
    const late = SLOW_TO_MS - 10_000;
    const ratio = p99(adaptive, late, SLOW_TO_MS) / alone;
    t.ok(ratio <= 5, `within five times of PUSHes alone: ${ratio.toFixed(1)}`);
    t.ok(p99(fixed, late, SLOW_TO_MS) > 20 * alone, 'the fixed limit is far from it');
    t.equal(lowest(adaptive, 'fetches'), 2, 'FETCHes are at the floor');
    t.equal(lowest(adaptive, 'commands'), 500, 'commands are as configured');
    t.equal(adaptive.limits.at(-1)?.fetches, 800, 'and FETCHes are back 30 s after');
    t.same(
      acks(adaptive, END_MS - 5000, END_MS) > 0.95 * acks(fixed, END_MS - 5000, END_MS),
      true,
      'with all their work',
    );
  },
);

t.test('a server that waits for Redis is believed to be slow by itself', async (t) => {
  const fixed = simulate(SLOW_REDIS);
  const adaptive = simulate({ ...SLOW_REDIS, adaptive: new AdaptiveLimit() });
  t.ok(adaptive.kinds.has('believe'));
  t.ok(lowest(adaptive, 'fetches') < 100, 'after less was tried');
  t.equal(lowest(adaptive, 'fetches', SETTLED_MS + 4000), 800, 'and it was for nothing');
  t.equal(lowest(adaptive, 'commands'), 500);
  const ratio = acks(adaptive, SLOW_FROM_MS, SLOW_TO_MS) / acks(fixed, SLOW_FROM_MS, SLOW_TO_MS);
  t.ok(ratio > 0.85, `${ratio.toFixed(2)} of the work is done meanwhile`);
  const loss = p99(adaptive, SETTLED_MS, SLOW_TO_MS) / p99(fixed, SETTLED_MS, SLOW_TO_MS);
  t.ok(loss < 1.2, 'PUSHes take no longer');
});

const BOUNDS: AdaptiveBounds = { fetches: { min: 16, max: 800 }, commands: { min: 16, max: 500 } };
const NOTHING: AdaptiveLoad = {
  answered: 0,
  workedMs: 0,
  unansweredMs: 0,
  inFlight: 0,
  errors: 0,
};
const TICK_MS = 200;

/** A limit and its time: each call is one tick with so many ms for each of 100 answers. */
class Driven {
  readonly limit = new AdaptiveLimit();
  now = 0;

  tick(load: Partial<AdaptiveLoad>, bounds = BOUNDS): AdaptiveDecision {
    this.now += TICK_MS;
    return this.limit.decide(this.now, { ...NOTHING, ...load }, bounds);
  }

  /** Ticks in which commands take `ms`. */
  answers(ms: number, ticks = 1, inFlight = 1000): AdaptiveDecision {
    let decision = this.tick({ answered: 100, workedMs: 100 * ms, inFlight });
    for (let i = 1; i < ticks; i += 1) {
      decision = this.tick({ answered: 100, workedMs: 100 * ms, inFlight });
    }
    return decision;
  }
}

t.test('the limits begin as they are configured, and stay so while nothing is slow', async (t) => {
  const driven = new Driven();
  t.same(driven.answers(10, 100), { kind: 'stay', reason: 'at_max' });
  t.same(driven.limit.limits, { fetches: 800, commands: 500 });
  t.equal(driven.answers(14).kind, 'stay', 'half as much again is not slow');
  t.same(driven.answers(30), { kind: 'stay', reason: 'measuring' }, 'once');
  t.equal(driven.answers(30).kind, 'lower', 'twice');
});

t.test('what is answered within 10 ms is not slow, however fast it was before', async (t) => {
  const driven = new Driven();
  driven.answers(0.1, 100);
  t.same(driven.answers(10), { kind: 'stay', reason: 'at_max' });
  t.equal(driven.answers(10.1, 2).kind, 'lower');
});

t.test(
  'FETCHes fall first, to their floor; commands only where one takes half a second',
  async (t) => {
    const driven = new Driven();
    driven.answers(10, 20);
    driven.answers(100, 60);
    t.same(driven.limit.limits, { fetches: 16, commands: 500 });
    t.same(driven.answers(499), { kind: 'stay', reason: 'at_floor' });
    driven.answers(1000);
    t.ok(driven.limit.limits.commands < 500);
    driven.answers(1000, 60);
    t.same(driven.limit.limits, { fetches: 16, commands: 16 });
  },
);

t.test('commands rise first, then FETCHes, up to what is configured then', async (t) => {
  const driven = new Driven();
  driven.answers(10, 20);
  driven.answers(1000, 80);
  t.same(driven.limit.limits, { fetches: 16, commands: 16 });
  while (driven.limit.limits.commands < 500) {
    t.equal(driven.limit.limits.fetches, 16);
    t.same(driven.answers(10), { kind: 'raise', reason: 'fast' });
  }
  const backAt = driven.now;
  const higher = { ...BOUNDS, fetches: { min: 16, max: 900 } };
  const fast = { answered: 100, workedMs: 1000, inFlight: 100 };
  while (driven.tick(fast, higher).kind === 'raise') t.ok(driven.now - backAt < 60_000);
  t.same(driven.limit.limits, { fetches: 900, commands: 500 });
  t.same(driven.tick(fast, BOUNDS), { kind: 'stay', reason: 'at_max' });
  t.same(driven.limit.limits, { fetches: 800, commands: 500 }, 'a lowered maximum holds at once');
});

t.test('errors lower by their own, and FETCHes first', async (t) => {
  const driven = new Driven();
  driven.answers(10, 20);
  t.same(driven.tick({ errors: 3 }), { kind: 'back_off', errors: 3 });
  t.same(driven.limit.limits, { fetches: 560, commands: 500 });
  for (let i = 0; i < 20; i += 1) driven.tick({ errors: 1 });
  t.equal(driven.limit.limits.fetches, 16);
  for (let i = 0; i < 20; i += 1) driven.tick({ errors: 1 });
  t.same(driven.limit.limits, { fetches: 16, commands: 16 });
});

t.test('a server that answers nothing is slow before its answers come', async (t) => {
  const driven = new Driven();
  driven.answers(10, 20);
  t.same(driven.tick({ unansweredMs: 15 }), { kind: 'stay', reason: 'measuring' });
  driven.tick({ unansweredMs: 200, inFlight: 100 });
  t.equal(driven.tick({ unansweredMs: 400, inFlight: 100 }).kind, 'lower');
});

t.test(
  'half of the load must take as long for two round trips before that is believed',
  async (t) => {
    const driven = new Driven();
    driven.answers(10, 20);
    driven.answers(300, 2, 200);
    t.equal(driven.answers(300, 1, 101).kind, 'lower', 'a little more than half');
    t.equal(driven.answers(300, 1, 100).kind, 'lower', 'half of it, for no time yet');
    t.equal(driven.answers(300, 2, 100).kind, 'lower', 'for 400 ms');
    t.same(driven.answers(300, 1, 100), { kind: 'believe', ms: 300 });
    t.same(driven.limit.limits, { fetches: 800, commands: 500 }, 'as before it fell');
    t.equal(driven.limit.longMs, 300);
  },
);

t.test('a server that is slow at the floor for minutes becomes what is usual', async (t) => {
  const driven = new Driven();
  driven.answers(10, 20);
  driven.answers(100, 60);
  t.equal(driven.limit.limits.fetches, 16);
  const since = driven.now;
  while (driven.answers(100).kind !== 'raise') t.ok(driven.now - since < 300_000);
  t.ok(driven.now - since > 20_000, 'and not in passing');
});

t.test('a long round trip of another time is forgotten within seconds', async (t) => {
  const driven = new Driven();
  driven.answers(500, 20);
  driven.answers(10, 50);
  t.ok((driven.limit.longMs ?? 0) <= 20, `${driven.limit.longMs} ms`);
});

t.test('without a command for 10 s the limits return', async (t) => {
  const driven = new Driven();
  driven.answers(10, 20);
  driven.answers(100, 60);
  for (let i = 0; i < 49; i += 1) driven.tick({});
  t.equal(driven.limit.limits.fetches, 16);
  t.same(driven.tick({}), { kind: 'raise', reason: 'rested' });
  t.same(driven.limit.limits, { fetches: 800, commands: 500 });
});

t.test('few answers count after a second, many at once', async (t) => {
  const driven = new Driven();
  t.same(driven.tick({ answered: 9, workedMs: 90 }), { kind: 'stay', reason: 'measuring' });
  t.equal(driven.limit.longMs, null);
  driven.tick({ answered: 1, workedMs: 10 });
  t.equal(driven.limit.longMs, 10, 'ten');
  driven.tick({ answered: 1, workedMs: 12 });
  for (let i = 0; i < 3; i += 1) driven.tick({});
  t.equal(driven.limit.shortMs, 10);
  driven.tick({});
  t.equal(driven.limit.shortMs, 12);
});
