// How many FETCHes of one worker may find jobs at once: the decision by itself, and against servers of
// two kinds, one that waits for its Redis and one whose CPU is full.

import t from 'tap';
import { FetchPace, type PaceDecision } from '../../src/lanes/fetch-pace.ts';
import { seededRandom } from '../session/house.ts';

const BASE = 8;
const FACTS = { base: BASE, limit: 800, wanted: 90, commandMs: 39 };

/** Measures `most` FETCHes at once that take `tookMs` each, from `now` on; when they had been measured. */
function measure(pace: FetchPace, tookMs: number, now: number): number {
  const most = pace.most(BASE);
  for (let at = now; ; at += tookMs) {
    for (let i = 0; i < most; i += 1) if (pace.found(tookMs, at, most)) return at;
  }
}

t.test('with a fast server the base is all, however many clients wait', async (t) => {
  const pace = new FetchPace();
  const now = measure(pace, 2, 0);
  t.same(pace.decide(now, FACTS), { kind: 'stay', reason: 'fast', most: 8 }, 'quick FETCHes');
  const later = measure(pace, 100, now);
  const decision = pace.decide(later, { ...FACTS, commandMs: 1 });
  t.same(decision, { kind: 'stay', reason: 'fast', most: 8 }, 'FETCHes that wait for jobs');
});

t.test('where FETCHes take long and clients wait, four times as many are tried', async (t) => {
  const pace = new FetchPace();
  const now = measure(pace, 100, 0);
  t.match(pace.decide(now, { ...FACTS, wanted: 0 }), { kind: 'stay', reason: 'enough', most: 8 });
  const second = measure(pace, 100, now);
  t.match(pace.decide(second, { ...FACTS, limit: 8 }), { kind: 'stay', reason: 'at_limit' });
  const third = measure(pace, 100, second);
  t.same(pace.decide(third, FACTS), { kind: 'grow', reason: 'clients_wait', most: 32 });
  t.equal(pace.most(BASE), 32);
});

t.test('no more than clients wait, and no more than the limit', async (t) => {
  for (const [facts, most] of [
    [{ ...FACTS, wanted: 3 }, 11],
    [{ ...FACTS, limit: 20 }, 20],
  ] as const) {
    const pace = new FetchPace();
    t.match(pace.decide(measure(pace, 100, 0), facts), { kind: 'grow', most });
  }
});

t.test('more that bring no more jobs are given up, and tried again after 1, 2, 4 s', async (t) => {
  const pace = new FetchPace();
  let now = measure(pace, 100, 0);
  t.match(pace.decide(now, FACTS), { kind: 'grow', most: 32 });
  const rests: number[] = [];
  for (let round = 0; round < 3; round += 1) {
    now = measure(pace, 400, now);
    t.same(pace.decide(now, FACTS), { kind: 'shrink', reason: 'does_not_pay', most: 8 });
    const since = now;
    let decision: PaceDecision;
    do {
      now = measure(pace, 100, now);
      decision = pace.decide(now, FACTS);
    } while (decision.reason === 'resting');
    t.match(decision, { kind: 'grow', most: 32 });
    rests.push(Math.floor((now - since) / 1000));
  }
  t.same(rests, [1, 2, 4]);
});

t.test('once more have paid, the rests begin anew at 1 s', async (t) => {
  const pace = new FetchPace();
  let now = 0;
  /** Until more are tried again. */
  const rest = (): number => {
    const since = now;
    do now = measure(pace, 100, now);
    while (pace.decide(now, FACTS).kind !== 'grow');
    return Math.floor((now - since) / 1000);
  };
  const judge = (tookMs: number): string => {
    now = measure(pace, tookMs, now);
    return pace.decide(now, FACTS).kind;
  };
  rest();
  t.equal(judge(400), 'shrink');
  t.equal(rest(), 1);
  t.equal(judge(400), 'shrink');
  t.equal(rest(), 2);
  t.equal(judge(100), 'grow', 'it paid, and more are tried at once');
  t.equal(judge(400), 'shrink');
  t.equal(pace.most(BASE), 32);
  t.equal(rest(), 1);
});

t.test(
  'a command of 40 ms waits for Redis: as many as clients wait, whatever they bring',
  async (t) => {
    const pace = new FetchPace();
    const facts = { ...FACTS, commandMs: 40 };
    let now = measure(pace, 100, 0);
    t.match(pace.decide(now, facts), { kind: 'grow', most: 98 });
    now = measure(pace, 4000, now);
    t.match(pace.decide(now, { ...facts, wanted: 2 }), { kind: 'grow', most: 100 });
    now = measure(pace, 4000, now);
    t.match(pace.decide(now, { ...facts, wanted: 0 }), { kind: 'stay', reason: 'enough' });
  },
);

t.test('a server that becomes fast again gets the base again', async (t) => {
  const pace = new FetchPace();
  const now = measure(pace, 100, 0);
  pace.decide(now, FACTS);
  const decision = pace.decide(measure(pace, 2, now + 200), FACTS);
  t.same(decision, { kind: 'shrink', reason: 'fast', most: 8 });
});

/**
 * Clients in a closed loop with one worker's FETCHes, and a server that answers them; how many FETCHes
 * were allowed at once, for each ms.
 */
function simulate(server: 'waits for Redis' | 'CPU is full', clients: number): number[] {
  const pace = new FetchPace();
  const random = seededRandom(7);
  const flights: { sentAt: number; endsAt: number }[] = [];
  const allowed: number[] = [];
  /** When the clients that have a job ask again. */
  let busy: number[] = [];
  let freeAt = 0;
  for (let now = 0; now < 20_000; now += 1) {
    busy = busy.filter((until) => until > now);
    while (flights.length < Math.min(pace.most(BASE), clients - busy.length)) {
      freeAt = Math.max(freeAt, now) + 5;
      const endsAt = server === 'CPU is full' ? freeAt : now + 100 + 100 * random();
      flights.push({ sentAt: now, endsAt });
    }
    for (const flight of flights.filter(({ endsAt }) => endsAt <= now)) {
      const beside = flights.length;
      flights.splice(flights.indexOf(flight), 1);
      busy.push(now + 50);
      if (!pace.found(now - flight.sentAt, now, beside)) continue;
      const wanted = Math.max(0, clients - busy.length - flights.length);
      pace.decide(now, { base: BASE, limit: 800, wanted, commandMs: 30 });
    }
    allowed.push(pace.most(BASE));
  }
  return allowed;
}

t.test('a server that waits for its Redis: as many FETCHes as clients, soon', async (t) => {
  const allowed = simulate('waits for Redis', 100);
  t.ok((allowed[2000] ?? 0) >= 70, 'after 2 s');
  t.ok((allowed.at(-1) ?? 0) >= 70);
});

t.test('a server whose CPU is full: the base, but for a trial now and then', async (t) => {
  const allowed = simulate('CPU is full', 100);
  t.ok(allowed.filter((most) => most > BASE).length < allowed.length / 10);
  t.ok(
    allowed.some((most) => most > BASE),
    'it was tried',
  );
});
