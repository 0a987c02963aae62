// At most so many FETCHes at Faktory: the cap, the turns, and the two deadlines.

import t from 'tap';
import { Limit } from '../../src/base/limit.ts';
import { FetchGovernor } from '../../src/lanes/fetch-governor.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Ticket } from './ticket.ts';

interface Set {
  readonly clock: FakeClock;
  readonly counts: LaneCounts;
  readonly governor: FetchGovernor;
  /** Asks for a new ticket; its name is noted when it is granted. */
  readonly ask: (worker: string | null, name?: string, queues?: readonly string[]) => Ticket;
  readonly granted: string[];
  /** What was reported as a defect. */
  readonly bugs: unknown[];
}

function set(fetchesInFlight: number, observeOnly = false): Set {
  const clock = new FakeClock();
  const counts = new LaneCounts();
  const bugs: unknown[] = [];
  const governor = new FetchGovernor({
    limit: new Limit(fetchesInFlight, !observeOnly),
    clock,
    counts,
    onBug: (error) => bugs.push(error),
  });
  const granted: string[] = [];
  const ask = (
    worker: string | null,
    name = '',
    queues = ['default'] as readonly string[],
  ): Ticket => {
    const ticket = new Ticket(worker, name, queues, () => granted.push(name));
    governor.ask(ticket);
    return ticket;
  };
  return { clock, counts, governor, ask, granted, bugs };
}

t.test('n FETCHes are sent, one more waits, and is sent when one is done', async (t) => {
  const { governor, ask } = set(2);
  const [first, second, third] = [ask('w'), ask('w'), ask('w')];
  t.strictSame([first.grants, second.grants, third.grants], [1, 1, 0]);
  t.equal(governor.inFlight, 2);
  t.equal(governor.waiting, 1);
  governor.done(first);
  t.equal(third.grants, 1);
  t.equal(governor.inFlight, 2);
  t.equal(governor.waiting, 0);
  t.equal(ask('w').grants, 0);
});

t.test('a FETCH that is done twice frees one place only', async (t) => {
  const { governor, ask } = set(1);
  const first = ask('w');
  const [second, third] = [ask('w'), ask('w')];
  governor.done(first);
  governor.done(first);
  t.strictSame([second.grants, third.grants], [1, 0]);
  t.equal(governor.inFlight, 1);
  governor.done(third);
  t.equal(governor.inFlight, 1, 'one that was never sent frees nothing');
});

t.test(
  'workers take turns: a thousand FETCHes of one do not put off another beyond its turn',
  async (t) => {
    const { governor, ask, granted } = set(1);
    const first = ask('busy', 'first');
    const tickets = new Map([['first', first]]);
    for (let n = 0; n < 1000; n += 1) tickets.set(`busy ${n}`, ask('busy', `busy ${n}`));
    for (const n of [0, 1]) tickets.set(`calm ${n}`, ask('calm', `calm ${n}`));
    tickets.set('producer', ask(null, 'producer'));
    for (let n = 0; n < 7; n += 1) {
      const last = tickets.get(granted.at(-1) ?? '');
      if (last !== undefined) governor.done(last);
    }
    t.strictSame(granted, [
      'first',
      'busy 0',
      'calm 0',
      'producer',
      'busy 1',
      'calm 1',
      'busy 2',
      'busy 3',
    ]);
  },
);

t.test('a FETCH not sent within 0.8 s is not sent any more and gets nil at 2 s', async (t) => {
  const { clock, counts, governor, ask } = set(1);
  const inFlight = ask('w');
  clock.advance(5);
  const late = ask('w');
  clock.advance(800);
  governor.done(inFlight);
  t.equal(late.grants, 0);
  t.equal(governor.inFlight, 0);
  t.equal(governor.waiting, 1);
  t.equal(ask('w').grants, 1, 'it does not keep the free place from a newer one');
  clock.advance(1199);
  t.strictSame(late.answers, []);
  clock.advance(1);
  t.strictSame(late.answers, ['$-1\r\n']);
  t.equal(governor.waiting, 0);
  t.equal(counts.fetchesAnsweredNil.total, 1);
  clock.advance(10_000);
  t.equal(late.answers.length, 1);
  t.equal(clock.timers, 0);
});

t.test('a FETCH that is sent late is told when its 2 s are over, and only then', async (t) => {
  const { clock, counts, governor, ask } = set(1);
  const first = ask('w');
  const [second, third] = [ask('w'), ask('w')];
  clock.advance(799);
  governor.done(first);
  t.strictSame([second.grants, third.grants], [1, 0]);
  clock.advance(1200);
  t.strictSame(second.answers, []);
  clock.advance(1);
  t.strictSame(second.answers, ['late']);
  t.equal(governor.inFlight, 1, 'it is still at Faktory');
  t.equal(counts.fetchesAnsweredNil.total, 2, 'it and the third have had nil');
  governor.done(second);
  clock.advance(10_000);
  t.equal(second.answers.length, 1);
  t.equal(clock.timers, 0);
});

t.test('a FETCH that is sent late and answered in time hears nothing more', async (t) => {
  const { clock, governor, ask } = set(1);
  const first = ask('w');
  const second = ask('w');
  clock.advance(799);
  governor.done(first);
  clock.advance(1200);
  governor.done(second);
  const third = ask('w');
  clock.advance(10_000);
  t.strictSame([second.answers, third.answers], [[], []], 'nor does one that was sent at once');
});

t.test('a FETCH is withdrawn at each stage without a trace', async (t) => {
  const { clock, governor, ask } = set(1);
  const inFlight = ask('w');
  const [sendable, resting] = [ask('a'), ask('b')];
  t.equal(governor.withdraw(inFlight), false, 'one in flight does not wait');
  t.equal(governor.withdraw(sendable), true);
  t.equal(governor.withdraw(sendable), false);
  clock.advance(900);
  t.equal(governor.withdraw(resting), true);
  t.equal(governor.waiting, 0);
  governor.done(inFlight);
  t.equal(governor.withdraw(inFlight), false);
  clock.advance(10_000);
  t.strictSame([sendable.grants, resting.grants], [0, 0]);
  t.strictSame([sendable.answers, resting.answers], [[], []]);
  t.equal(governor.inFlight, 0);
  t.equal(ask('a').grants, 1);
});

t.test('a withdrawn FETCH does not cost its worker the turn of the next', async (t) => {
  const { governor, ask } = set(1);
  const inFlight = ask('x');
  const gone = ask('a');
  const next = ask('a');
  const other = ask('b');
  governor.withdraw(gone);
  governor.done(inFlight);
  t.strictSame([next.grants, other.grants], [1, 0]);
});

t.test('answering nil ahead of time does so once, and only for one that waits', async (t) => {
  const { clock, governor, ask } = set(1);
  const inFlight = ask('w');
  const waiting = ask('w');
  governor.answerNil(inFlight);
  governor.answerNil(waiting);
  governor.answerNil(waiting);
  clock.advance(10_000);
  t.strictSame([inFlight.answers, waiting.answers], [[], ['$-1\r\n']]);
});

t.test(
  'a job finds the waiting FETCH of its own worker, else the one that came first',
  async (t) => {
    const { clock, governor, ask } = set(0);
    const first = ask('other', '', ['a', 'q']);
    const own = ask('own', '', ['q']);
    const ownToo = ask('own', '', ['q']);
    ask('own', '', ['b']);
    t.equal(governor.takeWaiting('q', 'own'), own);
    clock.advance(900);
    t.equal(governor.takeWaiting('q', 'own'), ownToo, 'also one that is not sent any more');
    t.equal(governor.takeWaiting('q', 'own'), first);
    t.equal(governor.takeWaiting('q', 'own'), null);
    t.equal(governor.waiting, 1);
    clock.advance(10_000);
    t.strictSame([first.answers, own.answers, ownToo.answers], [[], [], []]);
  },
);

t.test('observe_only sends every FETCH, whatever the cap', async (t) => {
  const { governor, ask } = set(1, true);
  const tickets = [ask('w'), ask('w'), ask('w')];
  t.strictSame(
    tickets.map((ticket) => ticket.grants),
    [1, 1, 1],
  );
  for (const ticket of tickets) governor.done(ticket);
  t.equal(governor.inFlight, 0);
});

t.test('a client whose nil makes it ask again at once waits its own 2 s', async (t) => {
  const { clock, governor, ask } = set(1);
  ask('w');
  const answeredAt: number[] = [];
  const again = new Ticket('w');
  again.answered = () => {
    answeredAt.push(clock.now());
    if (answeredAt.length < 3) governor.ask(again);
  };
  governor.ask(again);
  clock.advance(10_000);
  t.strictSame(answeredAt, [2000, 4000, 6000]);
});

t.test('a ticket that fails when it is granted costs the others nothing', async (t) => {
  const { governor, ask, bugs } = set(1);
  const first = ask('w');
  const failing = ask('w');
  failing.granted = () => {
    throw new Error('of a ticket');
  };
  const [second, third] = [ask('w'), ask('w')];
  governor.done(first);
  t.match(bugs, [new Error('of a ticket')]);
  t.equal(second.grants, 1, 'the next in turn is granted');
  t.equal(governor.inFlight, 1);
  governor.done(second);
  t.equal(third.grants, 1, 'and so is the one after it');
});

t.test('a ticket that fails when it is granted at once takes no place', async (t) => {
  const { governor, ask } = set(1);
  const failing = new Ticket('w', '', [], () => {
    throw new Error('of a ticket');
  });
  t.throws(() => governor.ask(failing), { message: 'of a ticket' });
  t.equal(governor.inFlight, 0);
  t.equal(ask('w').grants, 1);
});
