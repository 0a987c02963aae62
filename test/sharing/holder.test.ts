// What a bouncer may open, with a lease and without one.

import t from 'tap';
import { Holder } from '../../src/sharing/holder.ts';
import { type LeaseReply, type LeaseRequest, mayHaveElsewhere } from '../../src/sharing/lease.ts';
import { timingOf } from '../../src/sharing/timing.ts';

const timing = timingOf(10_000);
const terms = { limit: 303, replicas: 3, guaranteed: 5 };
const WORD = { armed: 0, report: null };
/** The deadline of a lease that was asked for at 0. */
const DEADLINE = 8000;

function held(places: number, othersWait: 'nothing' | 'idle' | 'share' = 'nothing'): LeaseReply {
  const house = { holders: 1, leased: places, used: 0, outside: 0, free: 0 };
  return { kind: 'held', places, othersWait, round: 0, phase: 'none', house };
}

function newHolder(): Holder {
  let ids = 0;
  const newId = (): string => {
    ids += 1;
    return `id${ids}`;
  };
  return new Holder({ timing, terms, newId, startedAt: 0 });
}

function ask(holder: Holder, now: number, used: number, want: number): LeaseRequest {
  return holder.request(now, { used, need: want, want }, WORD);
}

/** One that asked at 0 and was given `places`; its own connection is 1, and proven at 0. */
function leased(places: number): Holder {
  const holder = newHolder();
  holder.ownIs(1);
  holder.proven(1, 0);
  holder.answered(ask(holder, 0, 0, places), held(places), 0);
  return holder;
}

t.test('nothing is opened before the first lease, for one expiry', async (t) => {
  const holder = newHolder();
  t.equal(holder.placesAt(9999), 0);
  t.equal(holder.stateAt(9999), 'starting');
  t.equal(holder.placesAt(10_000), 5, 'then what is guaranteed');
  t.equal(holder.stateAt(10_000), 'fallback');
});

t.test('a lease lasts from before the request was sent, less the margin', async (t) => {
  const holder = newHolder();
  const request = ask(holder, 1000, 0, 50);
  t.equal(holder.answered(request, held(50), 1000), true, 'a new one');
  t.equal(holder.placesAt(1000 + DEADLINE - 1), 50);
  t.equal(holder.placesAt(1000 + DEADLINE), 5);
  t.equal(holder.endsInMs(1000), DEADLINE);
});

t.test('what is given back is given up before the request is sent', async (t) => {
  const holder = leased(100);
  ask(holder, 100, 20, 30);
  t.equal(holder.placesAt(100), 30, 'whatever becomes of the request');
  const next = ask(holder, 200, 20, 60);
  t.equal(holder.placesAt(200), 30, 'what is asked for comes with the answer only');
  holder.answered(next, held(60), 200);
  t.equal(holder.placesAt(200), 60);
});

t.test('no more is given back than is not used', async (t) => {
  const request = ask(leased(100), 100, 40, 30);
  t.equal(request.want, 40);
});

t.test('an answer to any other request than the last says nothing', async (t) => {
  const holder = leased(10);
  const first = ask(holder, 100, 0, 50);
  ask(holder, 200, 0, 50);
  t.equal(holder.answered(first, held(50), 100), false);
  t.equal(holder.placesAt(200), 10);
});

t.test('in fallback: what was held, up to the fair share', async (t) => {
  for (const [places, kept] of [
    [3, 5],
    [99, 99],
    [100, 100],
    [101, 100],
  ] as const) {
    const holder = leased(places);
    holder.proven(1, DEADLINE);
    t.equal(holder.placesAt(DEADLINE), kept, `of ${places}`);
  }
});

t.test('in fallback: only with a proof that is not old', async (t) => {
  const holder = leased(100);
  holder.proven(1, DEADLINE);
  t.equal(holder.placesAt(DEADLINE + timing.proofMs), 100);
  t.equal(holder.placesAt(DEADLINE + timing.proofMs + 1), 5);
  holder.proven(1, 100_000);
  t.equal(holder.placesAt(100_000), 100, 'the same connection has been open all the time');
});

t.test('in fallback: never again once the own connection was lost', async (t) => {
  const holder = leased(100);
  holder.proven(1, DEADLINE);
  holder.ownIs(0);
  t.equal(holder.placesAt(DEADLINE), 5);
  holder.ownIs(2);
  holder.proven(2, DEADLINE);
  t.equal(holder.placesAt(DEADLINE), 5, 'another connection proves nothing');
});

t.test('in fallback: a proof of the connection before says nothing', async (t) => {
  const holder = leased(100);
  holder.ownIs(2);
  holder.answered(ask(holder, 100, 0, 100), held(100), 100);
  holder.proven(1, DEADLINE);
  t.equal(holder.placesAt(DEADLINE + 100), 5);
});

t.test('a limit that was raised counts in fallback once Redis knows it', async (t) => {
  const holder = leased(150);
  holder.termsChanged({ ...terms, limit: 603 });
  holder.proven(1, DEADLINE);
  t.equal(holder.placesAt(DEADLINE), 100);
  holder.answered(ask(holder, DEADLINE, 0, 150), held(150), DEADLINE);
  holder.proven(1, DEADLINE * 2);
  t.equal(holder.placesAt(DEADLINE * 2), 150, 'of a share of 200');
  holder.termsChanged({ ...terms, limit: 63 });
  t.equal(holder.placesAt(DEADLINE * 2), 20, 'one that was lowered counts at once');
});

t.test('below a lower limit nothing is opened until Redis has heard of it', async (t) => {
  const holder = leased(100);
  const before = ask(holder, 100, 20, 100);
  holder.termsChanged({ ...terms, limit: 203 });
  t.equal(holder.placesAt(100), 20, 'what there was');
  holder.answered(before, held(100), 100);
  t.equal(holder.placesAt(100), 20, 'the answer is from before');
  holder.answered(ask(holder, 200, 20, 100), held(100), 200);
  t.equal(holder.placesAt(200), 100);
});

t.test('while all hold more than the limit, what one has is the most', async (t) => {
  const holder = leased(100);
  const house = { holders: 3, leased: 150, used: 60, outside: 20, free: -70 };
  const over: LeaseReply = { ...held(100), ...{ house } };
  holder.answered(ask(holder, 100, 30, 100), over, 100);
  t.equal(holder.placesAt(100), 30, 'it opens nothing');
  t.equal(holder.isOverLimit, true);
  holder.answered(ask(holder, 200, 90, 100), over, 200);
  t.equal(holder.placesAt(200), 66, 'its part of the 100 that there are');
  holder.answered(ask(holder, 300, 30, 100), held(40), 300);
  t.equal(holder.placesAt(300), 40);
  t.equal(holder.isOverLimit, false);
});

t.test('a lease that Redis does not know is made again, of what may be open', async (t) => {
  const holder = leased(50);
  const before = ask(holder, 100, 10, 50);
  holder.answered(before, { kind: 'unknown' }, 100);
  t.equal(holder.placesAt(200), 50, 'until the deadline nothing changes');
  const anew = ask(holder, 200, 10, 50);
  t.match(anew, { id: 'id2', replaces: 'id1', register: true, claim: 50, seq: 1, used: 10 });
  t.equal(holder.answered(anew, held(40), 200), true);
  t.equal(holder.placesAt(200), 40);
  t.match(ask(holder, 300, 10, 50), { id: 'id2', replaces: '', register: false });
});

t.test('a woken one claims what it has, and what it may have', async (t) => {
  const holder = leased(50);
  holder.answered(ask(holder, 60_000, 30, 50), { kind: 'unknown' }, 60_000);
  t.equal(ask(holder, 60_100, 30, 50).claim, 50, 'its own connection is the same');
  holder.ownIs(0);
  t.equal(ask(holder, 60_200, 30, 50).claim, 30, 'it is lost');
  t.equal(holder.placesAt(60_200), 5);
  holder.ownIs(1);
  holder.proven(1, 60_200);
  t.equal(holder.placesAt(60_200), 30, 'no more than was claimed since');
});

t.test(
  'one that has more than its share opens nothing while another has less and waits',
  async (t) => {
    const holder = leased(150);
    holder.answered(ask(holder, 100, 140, 150), held(150, 'share'), 100);
    t.equal(holder.placesAt(100), 100);
    holder.answered(ask(holder, 200, 140, 150), held(150, 'idle'), 200);
    t.equal(holder.placesAt(200), 150);
  },
);

t.test('one that registers takes no part in a round of the fence', async (t) => {
  const report = { round: 7, least: 1, count: 2 };
  const usage = { used: 0, need: 1, want: 1 };
  const holder = newHolder();
  t.match(holder.request(0, usage, { armed: 7, report }), { armed: 0, report: null });
  t.match(leased(5).request(0, usage, { armed: 7, report }), { armed: 7, report });
});

t.test('a bouncer that leaves has nothing any more', async (t) => {
  const holder = leased(50);
  t.match(holder.leave(2), { kind: 'leave', id: 'id1', seq: 2, used: 2 });
  t.equal(holder.placesAt(100), 0);
});

t.test('what other bouncers may have', async (t) => {
  const house = { holders: 3, leased: 90, used: 60, outside: 0, free: 0 };
  const terms = { limit: 100, replicas: 3, guaranteed: 5 };
  t.equal(mayHaveElsewhere(house, 20, terms), 42, 'what they use, and their own connections');
  t.equal(mayHaveElsewhere({ ...house, outside: 7 }, 20, terms), 42, 'that is of no bouncer');
  t.equal(mayHaveElsewhere({ ...house, holders: 2 }, 20, terms), 47, 'one is missing');
  t.equal(mayHaveElsewhere({ ...house, holders: 2, outside: 7 }, 20, terms), 54, 'it may be its');
  t.equal(mayHaveElsewhere({ ...house, holders: 4 }, 20, terms), 43, 'one more than expected');
});
