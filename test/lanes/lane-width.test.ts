// How wide the command lane becomes in front of servers of two kinds: one that waits for its Redis, and
// one whose CPU is full. Each is a model with service times; time is the test's.

import t from 'tap';
import { LaneWidth, type WidthDecision, WINDOW_MAX } from '../../src/lanes/lane-width.ts';

const LIMITS = { base: 16, max: 500 };
const TICK_MS = 50;

/** How long Faktory works on one command where it works on `busy` at once. */
type Server = (busy: number, now: number) => number;

const delays =
  (ms: number): Server =>
  () =>
    ms;
/** So many commands per ms in all, shared by those at work. */
const shares =
  (perMs: number): Server =>
  (busy) =>
    Math.max(busy, 1) / perMs;

/** Waits `ms` for Redis, and finishes so many commands per ms at most. */
const delaysAndShares =
  (ms: number, perMs: number): Server =>
  (busy) =>
    Math.max(ms, busy / perMs);

interface Run {
  readonly width: LaneWidth;
  /** Connections after each tick. */
  readonly widths: number[];
  readonly decisions: WidthDecision[];
  /** Commands answered in the last second. */
  readonly perSecond: number;
}

/** So many clients that send the next command when the last is answered. */
function run(
  server: Server,
  clientsAt: number | ((now: number) => number),
  ms: number,
  width = new LaneWidth(LIMITS),
): Run {
  let open = LIMITS.base;
  let opening = 0;
  let progress = 0;
  const answers: number[] = [];
  const widths: number[] = [];
  const decisions: WidthDecision[] = [];
  for (let now = TICK_MS; now <= ms; now += TICK_MS) {
    const clients = typeof clientsAt === 'number' ? clientsAt : clientsAt(now);
    const usable = Math.min(open, width.inUse);
    const inFlight = Math.min(clients, usable * width.window);
    const busy = Math.min(usable, inFlight);
    const workMs = server(busy, now);
    progress += (busy * TICK_MS) / workMs;
    const answered = Math.floor(progress);
    progress -= answered;
    answers.push(answered);
    open += opening;
    const decision = width.decide(now, {
      open,
      opening: 0,
      waiting: clients - inFlight,
      answered,
      workedMs: answered * workMs,
      unansweredMs: answered === 0 ? Math.min(workMs, now) : 0,
    });
    opening = 0;
    if (decision.kind === 'grow') opening = decision.by;
    widths.push(Math.min(open, width.inUse));
    // What is not used closes.
    open = Math.max(LIMITS.base, Math.min(open, width.inUse));
    decisions.push(decision);
  }
  const last = answers.slice(-1000 / TICK_MS).reduce((sum, answered) => sum + answered, 0);
  return { width, widths, decisions, perSecond: last };
}

t.test('a fast server: few connections, many commands on each', async (t) => {
  for (const clients of [20, 200, 2000]) {
    const { width, widths } = run(shares(35), clients, 5000);
    t.ok(width.window > 1, `${clients} clients`);
    t.equal(Math.max(...widths), LIMITS.base, `${clients} clients`);
  }
});

t.test('a server that waits for Redis: a connection for each client, within 2 s', async (t) => {
  for (const ms of [5, 10, 50, 200]) {
    for (const clients of [100, 450, 500]) {
      const { widths, perSecond } = run(delays(ms), clients, 2000 + 1000);
      t.ok((widths.at(-1 - 1000 / TICK_MS) ?? 0) >= clients, `${clients} clients, ${ms} ms`);
      const direct = (clients * 1000) / ms;
      t.ok(perSecond >= direct * 0.95, `${perSecond} of ${direct} with ${clients}, ${ms} ms`);
    }
  }
});

t.test('n connections at most, however many wait', async (t) => {
  const { widths, decisions } = run(delays(50), 5000, 8000);
  t.equal(Math.max(...widths), LIMITS.max);
  t.same(decisions.at(-1), { kind: 'stay', reason: 'at_max' });
});

t.test('a server whose CPU is full: tried now and then, and given back', async (t) => {
  for (const perMs of [0.5, 2, 5]) {
    const { widths, perSecond } = run(shares(perMs), 500, 20_000);
    const wide = widths.filter((width) => width > LIMITS.base).length;
    t.ok(wide < widths.length * 0.15, `${wide} of ${widths.length} ticks at ${perMs} per ms`);
    t.ok(perSecond >= perMs * 1000 * 0.95, `${perSecond} per second at ${perMs} per ms`);
  }
});

t.test('one that waits for Redis until its CPU is full: as wide as its answers need', async (t) => {
  for (const [ms, perMs] of [
    [12, 7.4],
    [12, 3],
    [5, 3],
    [20, 5],
  ] as const) {
    const { widths, perSecond } = run(delaysAndShares(ms, perMs), 500, 20_000);
    t.ok(perSecond >= perMs * 1000 * 0.95, `${perSecond} per second, ${ms} ms, ${perMs} per ms`);
    const wider = widths.filter((width) => width > Math.max(64, ms * perMs * 1.5)).length;
    t.ok(wider < widths.length * 0.15, `${wider} of ${widths.length} ticks, ${ms} ms`);
  }
});

t.test('a full CPU shows also where nothing waits: packed again', async (t) => {
  const { width, widths } = run(shares(2), 60, 10_000);
  t.equal(widths.at(-1), LIMITS.base);
  t.equal(width.isCpuFull, true);
  t.ok(width.window > 1, `${width.window} commands on a connection`);
});

t.test('small growths are judged together', async (t) => {
  const { widths } = run(shares(2), (now) => 17 + now / 500, 20_000);
  const wide = widths.filter((width) => width > 2 * LIMITS.base).length;
  t.ok(wide < widths.length * 0.15, `${wide} of ${widths.length} ticks`);
});

t.test('clients that leave while the lane grows: that is not a full CPU', async (t) => {
  const { width } = run(delays(10), (now) => (now < 400 ? 300 : 5), 1200);
  t.equal(width.isCpuFull, false);
});

t.test('a Redis that becomes slow when the CPU was full is found out at once', async (t) => {
  const changing: Server = (busy, now) => (now < 10_000 ? shares(5)(busy, now) : 30);
  const { widths, width } = run(changing, 300, 11_500);
  t.equal(widths[9900 / TICK_MS], LIMITS.base);
  t.ok((widths.at(-1) ?? 0) >= 300, `${widths.at(-1)} connections`);
  t.equal(width.isCpuFull, false);
});

t.test('a fast server that becomes slow, and fast again', async (t) => {
  const changing: Server = (busy, now) => (now > 3000 && now < 10_000 ? 50 : shares(35)(busy, now));
  const { widths, width } = run(changing, 500, 12_000);
  t.equal(widths[2900 / TICK_MS], LIMITS.base);
  t.ok((widths[6000 / TICK_MS] ?? 0) >= 450, `${widths[6000 / TICK_MS]} connections`);
  t.ok(width.window > 1, 'packed again');
});

t.test('the first commands are not answered: one growth for those that wait', async (t) => {
  const width = new LaneWidth(LIMITS);
  const silent = { open: 16, opening: 0, waiting: 400, answered: 0, workedMs: 0 };
  t.same(width.decide(50, { ...silent, unansweredMs: 50 }), { kind: 'grow', by: 400 });
  for (let now = 100; now < 5000; now += TICK_MS) {
    const decision = width.decide(now, { ...silent, open: 416, unansweredMs: now });
    t.not(decision.kind, 'grow');
  }
});

t.test('nothing is answered after a growth: no growth', async (t) => {
  const width = new LaneWidth(LIMITS);
  const first = {
    open: 16,
    opening: 0,
    waiting: 100,
    answered: 40,
    workedMs: 400,
    unansweredMs: 0,
  };
  t.match(width.decide(50, first), { kind: 'stay', reason: 'measuring' });
  t.equal(width.decide(250, first).kind, 'grow');
  for (let now = 300; now < 5000; now += TICK_MS) {
    const load = {
      open: 64,
      opening: 0,
      waiting: 500,
      answered: 0,
      workedMs: 0,
      unansweredMs: now,
    };
    t.not(width.decide(now, load).kind, 'grow');
  }
});

t.test('at first, and after a second of silence, little is packed', async (t) => {
  const width = new LaneWidth(LIMITS);
  const atFirst = width.window;
  t.ok(atFirst > 1 && atFirst < WINDOW_MAX);
  const idle = { open: 16, opening: 0, waiting: 0, answered: 0, workedMs: 0, unansweredMs: 0 };
  width.decide(50, { ...idle, answered: 100, workedMs: 1 });
  t.equal(width.window, WINDOW_MAX);
  width.decide(1050, idle);
  t.equal(width.window, WINDOW_MAX);
  width.decide(1051, idle);
  t.equal(width.window, atFirst);
});
