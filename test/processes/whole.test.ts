// What several processes together tell, from processes that a test makes.

import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import type { ClientFacts } from '../../src/client/client-facts.ts';
import { Counts } from '../../src/observe/counts.ts';
import { figuresOf } from '../../src/observe/merge-counts.ts';
import { ReloadCounts } from '../../src/observe/reload-counts.ts';
import type { Answers, Question } from '../../src/processes/messages.ts';
import type { Asked } from '../../src/processes/looks.ts';
import { Whole } from '../../src/processes/whole.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';

/** How long the parent waits for an answer. */
const ANSWER_MS = 2000;

/** A process with `accepted` clients so far, whose clock began at another time. */
class MadeProcess implements Asked {
  readonly index: number;
  /** For one that is silent. */
  clock = new FakeClock();
  isListening = true;
  isSilent = false;
  accepted: number;
  readonly asked: Question[] = [];

  constructor(index: number, accepted: number) {
    this.index = index;
    this.accepted = accepted;
  }

  async ask<Kind extends keyof Answers>(
    question: Question & { readonly kind: Kind },
  ): Promise<Answers[Kind] | null> {
    this.asked.push(question);
    if (!this.isSilent) return this.#answerTo(question.kind) as Answers[Kind];
    return new Promise((resolve) => void this.clock.after(ANSWER_MS, () => resolve(null)));
  }

  #answerTo(kind: keyof Answers): Answers[keyof Answers] {
    const counts = new Counts();
    counts.client.accepted.total = this.accepted;
    switch (kind) {
      case 'look':
        return {
          figures: figuresOf(counts),
          snapshot: fullSnapshot(),
          readiness: this.index === 0 ? { ready: true } : { ready: false, reason: 'no places' },
          own: [],
        };
      case 'rows':
        return { now: 1000 * this.index, clients: [clientAt(1000 * this.index - 7)], servers: [] };
      case 'disconnect':
        return 1;
      case 'pause':
      case 'reload':
        return 'done';
    }
  }
}

function clientAt(acceptedAt: number): ClientFacts {
  return {
    id: 1,
    address: '127.0.0.1',
    role: 'producer',
    state: 'open',
    stateSince: acceptedAt,
    acceptedAt,
    hello: null,
    commands: 0,
    outstanding: null,
    bytesReceived: 0,
    bytesSent: 0,
  };
}

function wholeOf(processes: readonly MadeProcess[]) {
  const clock = new FakeClock();
  for (const process of processes) process.clock = clock;
  const silent: number[] = [];
  const whole = new Whole({
    clock,
    count: 2,
    serving: () => processes.filter(({ isListening }) => isListening),
    restarted: () => 0,
    jobsMax: 0,
    reloads: new ReloadCounts(),
    lent: () => ({ serverConnections: 77, producerReserve: 7 }),
    onSilent: (index) => silent.push(index),
  });
  const look = async (): Promise<void> => {
    whole.forget();
    await whole.look();
  };
  return { whole, clock, silent, look };
}

t.test('what a process has counted stays when it ends', async (t) => {
  const processes = [new MadeProcess(0, 5), new MadeProcess(1, 6)] as const;
  const { whole, look } = wholeOf(processes);
  await look();
  t.equal(whole.counts.client.accepted.total, 11);
  t.equal(whole.snapshot.limits.serverConnections, 77);
  t.equal(whole.snapshot.processes.listening, 2);
  processes[1].isListening = false;
  await whole.ended(1);
  t.equal(whole.counts.client.accepted.total, 11);
  t.equal(whole.snapshot.processes.listening, 1);
  processes[1].accepted = 1;
  processes[1].isListening = true;
  await look();
  t.equal(whole.counts.client.accepted.total, 12);
  processes[0].isListening = false;
  processes[1].isListening = false;
  await whole.ended(0);
  await whole.ended(1);
  t.equal(whole.counts.client.accepted.total, 12);
  t.equal(whole.snapshot.clients.worker.open, 0, 'what they had is not there');
  t.match(whole.readiness(), { ready: false });
});

t.test('one ready process is enough, and the others are named', async (t) => {
  const { whole, look } = wholeOf([new MadeProcess(0, 0), new MadeProcess(1, 0)]);
  await look();
  t.strictSame(whole.readiness(), { ready: true, detail: 'process 1: no places' });
});

/** Time goes on by that much, with all that follows from it. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  clock.advance(ms);
  await setImmediate();
}

t.test('a process that does not answer is told once, and not before the time', async (t) => {
  const processes = [new MadeProcess(0, 5), new MadeProcess(1, 6)] as const;
  const { whole, clock, look, silent } = wholeOf(processes);
  await look();
  processes[1].isSilent = true;
  void look();
  for (let i = 0; i < 13; i += 1) await pass(clock, ANSWER_MS);
  t.strictSame(silent, []);
  t.equal(whole.counts.client.accepted.total, 11, 'as it was when it last answered');
  processes[1].isSilent = false;
  processes[1].accepted = 8;
  // The question that is out is the 14th.
  await pass(clock, ANSWER_MS);
  await setImmediate();
  t.equal(whole.counts.client.accepted.total, 13, 'it is asked again, whoever looks');
  processes[1].isSilent = true;
  void look();
  for (let i = 0; i < 14; i += 1) await pass(clock, ANSWER_MS);
  t.strictSame(silent, []);
  for (let i = 0; i < 3; i += 1) await pass(clock, ANSWER_MS);
  t.strictSame(silent, [1]);
});

t.test('a process that does not answer is waited for once, and named', async (t) => {
  const processes = [new MadeProcess(0, 5), new MadeProcess(1, 6)] as const;
  const { whole, clock, look } = wholeOf(processes);
  await look();
  await whole.bringRows();
  processes[1].isSilent = true;
  const first = look();
  await pass(clock, ANSWER_MS);
  await first;
  const asked = processes[1].asked.length;
  // Time stands still: nothing may wait.
  await look();
  await whole.bringRows();
  await whole.metrics();
  t.equal(processes[1].asked.length, asked, 'nor is it asked twice');
  t.equal([...whole.clientFacts()].length, 2, 'its clients are told as they were');
  t.strictSame(whole.snapshot.processes, { listening: 2, silent: 1, restarts: 0 });
  t.strictSame(whole.readiness(), { ready: true, detail: 'process 1: it does not answer' });
  processes[0].isSilent = true;
  const second = look();
  await pass(clock, ANSWER_MS);
  await second;
  t.strictSame(whole.readiness(), {
    ready: false,
    reason: 'process 0: it does not answer; process 1: it does not answer',
  });
  processes[1].isListening = false;
  await whole.ended(1);
  t.match(whole.readiness(), { reason: /^1 of 2 processes run; process 0: / });
  t.equal(whole.snapshot.processes.silent, 1);
});

t.test('rows are brought as often while a process does not answer', async (t) => {
  const processes = [new MadeProcess(0, 0), new MadeProcess(1, 0)] as const;
  const { whole, clock } = wholeOf(processes);
  const rowsAsked = () => processes[0].asked.filter(({ kind }) => kind === 'rows').length;
  await whole.tick();
  processes[1].isSilent = true;
  void whole.clientFacts().next();
  const first = whole.tick();
  // The other one answers at once.
  await setImmediate();
  await pass(clock, ANSWER_MS);
  await first;
  const asked = rowsAsked();
  void whole.clientFacts().next();
  await pass(clock, 1000);
  const second = whole.tick();
  await pass(clock, ANSWER_MS);
  await second;
  t.equal(rowsAsked(), asked + 1);
});

t.test('times are those of the parent, and each client has a number of its own', async (t) => {
  const processes = [new MadeProcess(0, 0), new MadeProcess(1, 0)] as const;
  const { whole, clock } = wholeOf(processes);
  await whole.bringRows();
  const clients = [...whole.clientFacts()];
  t.strictSame(
    clients.map(({ id, acceptedAt }) => ({ id, age: clock.now() - acceptedAt })),
    [
      { id: 2, age: 7 },
      { id: 3, age: 7 },
    ],
  );
  t.equal(await whole.disconnect({ id: 3 }), 1);
  t.strictSame(processes[1].asked.at(-1), { kind: 'disconnect', choice: { id: 1 } });
  t.equal(processes[0].asked.length, 1, 'the other one is not asked');
  t.equal(await whole.disconnect({ wid: 'w' }), 2);
});
