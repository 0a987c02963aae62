// Turns of the event loop, as sockets see them.

import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { SystemClock } from '../../src/base/clock.ts';
import { Turns } from '../../src/base/turns.ts';

/** An event loop whose time the test sets. */
class Loop {
  at = 0;
  idle = 0;

  now(): number {
    return this.at;
  }

  idleMs(): number {
    return this.idle;
  }

  work(ms: number): void {
    this.at += ms;
  }

  rest(ms: number): void {
    this.at += ms;
    this.idle += ms;
  }
}

t.test('events with work between them are one turn, which began with the first', async (t) => {
  const loop = new Loop();
  const turns = new Turns(loop);
  loop.rest(10);
  t.equal(turns.event(), 10);
  for (let n = 1; n <= 3; n += 1) {
    loop.work(5);
    t.equal(turns.event(), 10 + 5 * n);
  }
  t.equal(turns.count, 1);
});

t.test('after a rest of the loop it is another turn', async (t) => {
  const loop = new Loop();
  const turns = new Turns(loop);
  loop.rest(10);
  turns.event();
  loop.work(3);
  loop.rest(7);
  turns.event();
  t.equal(turns.count, 2);
  t.equal(turns.notBefore, 17);
});

t.test('in a loop without rest, a turn of several events ends with the turn', async (t) => {
  const loop = new Loop();
  const turns = new Turns(loop);
  loop.rest(10);
  turns.event();
  turns.event();
  await nextTurn();
  loop.work(5);
  turns.event();
  t.equal(turns.count, 2);
  t.equal(turns.notBefore, 10);
});

t.test('a turn of one event is told from the next one only by a rest', async (t) => {
  const loop = new Loop();
  const turns = new Turns(loop);
  loop.rest(10);
  turns.event();
  await nextTurn();
  loop.work(5);
  turns.event();
  t.equal(turns.count, 1);
});

t.test('now is the event while it is handled, else the clock', async (t) => {
  const loop = new Loop();
  const turns = new Turns(loop);
  loop.rest(10);
  turns.event();
  loop.work(1);
  t.strictSame([turns.now(), turns.idleMs()], [10, 10]);
  turns.handled();
  t.equal(turns.now(), 11);
  loop.rest(2);
  t.strictSame([turns.now(), turns.idleMs()], [13, 12]);
});

t.test("Node's loop is not idle within a turn, and is between two that it waits for", async (t) => {
  const clock = new SystemClock();
  const atFirst = clock.idleMs();
  const until = clock.now() + 5;
  while (clock.now() < until);
  t.equal(clock.idleMs(), atFirst);
  // On a busy machine a timer may be due before the loop has come to wait for it.
  while (clock.idleMs() === atFirst) await new Promise((resolve) => setTimeout(resolve, 1));
  t.pass();
});
