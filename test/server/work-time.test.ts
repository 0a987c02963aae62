// How long Faktory worked on a command: bounds that hold whatever the event loop was busy with.

import { setImmediate as nextTurn } from 'node:timers/promises';
import t from 'tap';
import { Turns } from '../../src/base/turns.ts';
import { WorkTime } from '../../src/server/work-time.ts';

/** A clock whose instant and idle time the test sets apart. */
class Loop {
  at = 0;
  idle = 0;
  readonly turns = new Turns(this.asClock);

  /** The loop waits for events. */
  wait(ms: number): void {
    this.at += ms;
    this.idle += ms;
  }

  /** The process itself, or another, has the CPU. */
  work(ms: number): void {
    this.at += ms;
  }

  get asClock(): ConstructorParameters<typeof Turns>[0] {
    return { now: () => this.at, idleMs: () => this.idle };
  }

  /** Bytes come for `work` in a turn of their own; those of another mark the turn. */
  async read(work: WorkTime): Promise<void> {
    await nextTurn();
    this.turns.event();
    work.read(this.turns.event());
    this.turns.handled();
  }

  /** Bytes come for two others: the second marks the turn. */
  async othersRead(): Promise<void> {
    await nextTurn();
    this.turns.event();
    this.turns.event();
    this.turns.handled();
  }

  /** A command is sent while a client's bytes are handled. */
  send(work: WorkTime): number {
    const now = this.turns.now();
    work.begin(now);
    return now;
  }
}

function bounds({ atLeastMs, atMostMs }: WorkTime): [number, number] {
  return [atLeastMs, atMostMs];
}

t.test('a loop that waits for the reply knows it exactly', async (t) => {
  const loop = new Loop();
  const work = new WorkTime(loop.turns);
  loop.wait(1000);
  await loop.othersRead();
  const sentAt = loop.send(work);
  loop.wait(30);
  await loop.read(work);
  work.answered(sentAt);
  t.strictSame(bounds(work), [30, 30]);
});

t.test('what the process itself takes counts only as possible', async (t) => {
  const loop = new Loop();
  const work = new WorkTime(loop.turns);
  loop.wait(1000);
  await loop.othersRead();
  const sentAt = loop.send(work);
  loop.work(500);
  await loop.read(work);
  work.answered(sentAt);
  t.strictSame(bounds(work), [0, 500]);
});

t.test('a turn that found no reply proves that Faktory was at it until then', async (t) => {
  const loop = new Loop();
  const work = new WorkTime(loop.turns);
  loop.wait(1000);
  await loop.othersRead();
  const sentAt = loop.send(work);
  loop.work(100);
  await loop.othersRead();
  loop.work(400);
  await loop.read(work);
  work.answered(sentAt);
  t.strictSame(bounds(work), [100, 500]);
});

t.test('the next command begins with the end of the reply before it', async (t) => {
  const loop = new Loop();
  const work = new WorkTime(loop.turns);
  loop.wait(1000);
  await loop.othersRead();
  const sentAt = loop.send(work);
  loop.wait(10);
  await loop.read(work);
  work.answered(sentAt);
  t.equal(work.since(sentAt), 1010);
  loop.wait(20);
  await loop.read(work);
  work.answered(sentAt);
  t.strictSame(bounds(work), [20, 20]);
});

t.test('while the process stands still, each reply may have come at any time', async (t) => {
  const loop = new Loop();
  const work = new WorkTime(loop.turns);
  loop.wait(1000);
  await loop.othersRead();
  const sentAt = loop.send(work);
  // Faktory answers the first at once, the second after 4 s.
  loop.work(4000);
  await loop.read(work);
  work.answered(sentAt);
  t.strictSame(bounds(work), [0, 4000]);
  work.answered(sentAt);
  t.strictSame(bounds(work), [0, 4000], 'of two that were read together');
  work.read(loop.turns.event());
  work.answered(sentAt);
  t.strictSame(bounds(work), [0, 4000], 'by several reads of one turn');
  loop.wait(100);
  await loop.read(work);
  work.answered(sentAt);
  t.strictSame(bounds(work), [100, 4100], 'and the next may have been begun with long before');
});

t.test('a reply behind a long one begins when the end of that was not there yet', async (t) => {
  const loop = new Loop();
  const work = new WorkTime(loop.turns);
  loop.wait(1000);
  await loop.othersRead();
  const sentAt = loop.send(work);
  for (let pieces = 0; pieces < 50; pieces += 1) {
    loop.work(100);
    await loop.read(work);
  }
  loop.work(50);
  await loop.read(work);
  work.answered(sentAt);
  t.equal(work.atMostMs, 5050);
  work.answered(sentAt);
  t.equal(work.atMostMs, 50);
});

t.test(
  'a long wait may have been for the network: what was sent with it may be as old',
  async (t) => {
    const loop = new Loop();
    const work = new WorkTime(loop.turns);
    loop.wait(1000);
    await loop.othersRead();
    const sentAt = loop.send(work);
    // The replies are held up for 9 s, or the process is stopped in the middle of its wait.
    loop.wait(9000);
    await loop.read(work);
    work.answered(sentAt);
    t.equal(work.atMostMs, 9000);
    work.answered(sentAt);
    t.equal(work.atMostMs, 9000, 'read together');
    loop.wait(5);
    await loop.read(work);
    work.answered(sentAt);
    t.equal(work.atMostMs, 9005, 'read a turn later');
    loop.wait(5);
    const later = loop.send(work);
    loop.wait(5);
    await loop.read(work);
    work.answered(later);
    t.equal(work.atMostMs, 5, 'one that is sent later is not');
  },
);
