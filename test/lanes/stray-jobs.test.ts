// Jobs that Faktory handed to a client that had left: each finds one taker or is given back.

import { equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { BufferBudget } from '../../src/base/buffer-budget.ts';
import { Limit } from '../../src/base/limit.ts';
import { Live } from '../../src/base/live.ts';
import { FetchGovernor } from '../../src/lanes/fetch-governor.ts';
import { StrayJobs } from '../../src/lanes/stray-jobs.ts';
import type { StrayJobFate } from '../../src/lanes/lane-counts.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import type { FetchedJob } from '../../src/protocol/job.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Ticket } from './ticket.ts';

const HOLD_MS = 5000;
const SETTINGS = {
  outageWaitMs: 0,
  bulkPush: false,
  fetchesPerWorker: 1,
  fetchesPerWorkerMax: 1,
  lingerMs: 0,
};

function jobOf(jid: string, queue = 'q'): FetchedJob {
  const reply = Buffer.from(`reply ${jid}`);
  return { jid, queue, fateOnFailure: 'retry', reservedForMs: 1_800_000, reply };
}

function noBug(error: unknown): void {
  throw error;
}

/** No FETCH may be sent, so that all wait. */
function set() {
  const clock = new FakeClock();
  const counts = new LaneCounts();
  const governor = new FetchGovernor({ limit: new Limit(0), clock, counts, onBug: noBug });
  const givenBack: string[] = [];
  const budget = new BufferBudget(clock, new Live({ bufferedBytes: 1000 }));
  const strayJobs = new StrayJobs({
    clock,
    counts,
    settings: new Live({ ...SETTINGS, holdMs: HOLD_MS }),
    control: { giveBack: (job) => void givenBack.push(job.jid) },
    budget,
  });
  const offer = (job: FetchedJob, worker: string | null): void =>
    strayJobs.offer(job, worker, governor);
  const wait = (worker: string | null, queues = ['q']): Ticket => {
    const ticket = new Ticket(worker, '', queues);
    governor.ask(ticket);
    return ticket;
  };
  const fates = (...labels: StrayJobFate[]): number[] =>
    labels.map((label) => counts.strayJobs.values[label]);
  return { budget, clock, strayJobs, offer, givenBack, wait, fates };
}

t.test('a job that is held counts as buffered until it is taken or given back', async (t) => {
  const { budget, clock, strayJobs, offer, wait } = set();
  offer(jobOf('job1'), 'w');
  offer(jobOf('job2'), 'w');
  t.equal(budget.usedBytes, 2 * 'reply job1'.length);
  strayJobs.takeFor('w', ['q']);
  t.equal(budget.usedBytes, 'reply job2'.length);
  clock.advance(HOLD_MS);
  t.equal(budget.usedBytes, 0);
  wait('w');
  offer(jobOf('job3'), 'w');
  t.equal(budget.usedBytes, 0, 'one that is taken at once is not held');
});

t.test(
  'a job goes to a waiting FETCH of the same worker, ahead of those that came first',
  async (t) => {
    const { clock, strayJobs, offer, givenBack, wait, fates } = set();
    const other = wait('w2');
    const same = wait('w1');
    offer(jobOf('j1'), 'w1');
    t.strictSame([same.answers, other.answers], [['reply j1'], []]);
    t.equal(strayJobs.size, 0);
    t.strictSame(fates('taken_over_same_worker', 'taken_over_other_worker'), [1, 0]);
    clock.advance(60_000);
    t.strictSame(givenBack, []);
  },
);

t.test(
  'else it goes to the first waiting FETCH of any worker that asks for its queue',
  async (t) => {
    const { offer, wait, fates } = set();
    const same = wait('w1', ['elsewhere']);
    const first = wait('w2', ['a', 'q']);
    const second = wait('w3');
    offer(jobOf('j1'), 'w1');
    t.strictSame([same.answers, first.answers, second.answers], [[], ['reply j1'], []]);
    t.strictSame(fates('taken_over_same_worker', 'taken_over_other_worker'), [0, 1]);
  },
);

t.test('else it goes to the next FETCH that comes for its queue, once', async (t) => {
  const { clock, strayJobs, offer, givenBack, fates } = set();
  offer(jobOf('j1'), 'w1');
  offer(jobOf('j2'), 'w2');
  t.equal(strayJobs.size, 2);
  t.equal(strayJobs.takeFor('w2', ['elsewhere']), null);
  t.equal(strayJobs.takeFor('w2', [])?.toString(), undefined);
  t.equal(strayJobs.takeFor('w2', ['q'])?.toString(), 'reply j2', 'its own worker\u2019s first');
  t.equal(strayJobs.takeFor('w3', ['x', 'q'])?.toString(), 'reply j1');
  t.equal(strayJobs.takeFor('w3', ['q']), null);
  t.strictSame(fates('taken_over_same_worker', 'taken_over_other_worker'), [1, 1]);
  clock.advance(60_000);
  t.strictSame(givenBack, []);
});

t.test('clients without a wid are not one worker to each other', async (t) => {
  const { offer, wait, fates } = set();
  const taker = wait(null);
  offer(jobOf('j1'), null);
  t.strictSame(taker.answers, ['reply j1']);
  t.strictSame(fates('taken_over_same_worker', 'taken_over_other_worker'), [0, 1]);
});

t.test('a job that nobody comes for is given back when its time is over, not before', async (t) => {
  const { clock, strayJobs, offer, givenBack } = set();
  offer(jobOf('j1'), 'w1');
  clock.advance(1000);
  offer(jobOf('j2'), 'w1');
  clock.advance(3999);
  t.strictSame(givenBack, []);
  clock.advance(1);
  t.strictSame(givenBack, ['j1']);
  clock.advance(1000);
  t.strictSame(givenBack, ['j1', 'j2']);
  t.equal(strayJobs.size, 0);
  t.equal(strayJobs.takeFor('w1', ['q']), null);
});

t.test('at a stop all that is held is given back at once, and once', async (t) => {
  const { clock, strayJobs, offer, givenBack } = set();
  for (const jid of ['j1', 'j2', 'j3']) offer(jobOf(jid), 'w1');
  strayJobs.takeFor('w1', ['q']);
  strayJobs.giveBackAll();
  strayJobs.giveBackAll();
  clock.advance(60_000);
  t.strictSame(givenBack, ['j2', 'j3']);
  t.equal(strayJobs.size, 0);
});

const step = fc.record({
  kind: fc.constantFrom('offer', 'wait', 'take', 'advance'),
  worker: fc.constantFrom(null, 'w1', 'w2'),
  queue: fc.constantFrom('a', 'b'),
  ms: fc.constantFrom(1, 1500, 5000),
});

t.test('each job has exactly one fate, whatever comes in whatever order', async () => {
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 60 }), (steps) => {
      const { clock, strayJobs, offer, givenBack, wait } = set();
      const tickets: Ticket[] = [];
      const taken: string[] = [];
      let jobs = 0;
      for (const { kind, worker, queue, ms } of steps) {
        if (kind === 'offer') offer(jobOf(`${(jobs += 1)}`, queue), worker);
        else if (kind === 'wait') tickets.push(wait(worker, [queue]));
        else if (kind === 'advance') clock.advance(ms);
        else taken.push(strayJobs.takeFor(worker, [queue])?.toString() ?? '');
      }
      clock.advance(HOLD_MS);
      const fates = [
        ...givenBack.map((jid) => `reply ${jid}`),
        ...tickets.flatMap(({ answers }) => answers),
        ...taken,
      ].filter((reply) => reply.startsWith('reply'));
      equal(fates.length, jobs);
      equal(new Set(fates).size, jobs);
      equal(strayJobs.size, 0);
      for (const { answers } of tickets) equal(answers.length <= 1, true);
    }),
    { numRuns: 300 },
  );
});
