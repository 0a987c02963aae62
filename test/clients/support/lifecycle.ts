// A worker's life as operators see it: it works, Faktory restarts, another worker comes, the first is
// told to be quiet and then to terminate, the second gets SIGTERM. Promise: every job that was
// acknowledged is accounted for in the end.

import type { Test } from 'tap';
import { type RunningBouncer, startBouncer } from '../../support/bouncer.ts';
import { RawClient } from '../../support/raw-client.ts';
import { RealFaktory } from '../../support/real-faktory.ts';
import { until, within } from '../../support/waiting.ts';
import { ClientProcess } from './client-process.ts';
import { type Balance, JobLedger } from './job-ledger.ts';
import type { ClientProgram } from './programs.ts';

export const FRONTS = ['direct', 'session', 'pooled'] as const;
export type Front = (typeof FRONTS)[number];

const PASSWORD = 'sesame';
const JOBS_BEFORE = 300;
const RESTART_AT = 100;
const JOBS_AFTER = 100;
/** Between the jobs that show whether a worker is quiet. */
const PACE_MS = 10;
const JOBS_A_ROUND = 25;
/** So many rounds without a job for it: it is quiet. */
const QUIET_ROUNDS = 5;
/** Several programs at a time work on a machine with two cores. */
const WORK_MS = 120_000;
/** Clients take so long to terminate: most give their jobs 25 s. */
const END_MS = 120_000;
/** Longer than they give their jobs, which a second SIGTERM would cut short. */
const TERMINATE_AGAIN_MS = 40_000;

export interface Life {
  readonly balance: Balance;
  /** How often a supervisor had to start the first worker again. */
  readonly restarts: number;
  readonly done: number;
  readonly unknown: readonly string[];
}

export async function runLifecycle(t: Test, program: ClientProgram, front: Front): Promise<Life> {
  const faktory = await RealFaktory.start({ password: PASSWORD });
  t.teardown(() => faktory.stop());
  const bouncer = await frontOf(t, front, faktory);
  const stage = new Stage(t, program, bouncer?.port ?? faktory.port);

  const first = stage.startWorker('first-worker');
  const producer = stage.startProducer(JOBS_BEFORE);
  await stage.untilDone(RESTART_AT);
  await faktory.terminate();
  await faktory.startAgain();
  await within(producer.ended, WORK_MS, () => `the producer to end; it said ${producer.stderr}`);
  await stage.untilAllDone(first);

  const second = stage.startWorker('second-worker');
  await signal(faktory, first.wid, 'quiet');
  await stage.untilQuiet(first);
  first.isToEnd = true;
  await signal(faktory, first.wid, 'terminate');
  await within(first.ended, program.beatMs + END_MS, () => `the worker to end: ${first.stderr}`);

  const last = stage.startProducer(JOBS_AFTER);
  await within(last.ended, WORK_MS, () => `the producer to end; it said ${last.stderr}`);
  await stage.untilAllDone(second);
  second.isToEnd = true;
  await endBySignal(second);
  await bouncer?.gaugesAreZero();
  if (bouncer !== undefined) t.equal(await bouncer.metric('bugs_total'), 0);

  const { ledger } = stage;
  return {
    balance: await ledger.balance(faktory.redisSocket),
    restarts: first.restarts,
    done: ledger.done,
    unknown: [...ledger.unknown.values()],
  };
}

/** As a supervisor does: Python's `faktory` loses a SIGTERM that comes within an ACK. */
async function endBySignal(worker: SupervisedWorker): Promise<void> {
  worker.terminate();
  const again = setInterval(() => worker.terminate(), TERMINATE_AGAIN_MS);
  try {
    await within(worker.ended, END_MS, () => `the worker to end: ${worker.stderr}`);
  } finally {
    clearInterval(again);
  }
}

async function frontOf(
  t: Test,
  front: Front,
  faktory: RealFaktory,
): Promise<RunningBouncer | undefined> {
  if (front === 'direct') return undefined;
  const overrides = { mode: front };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides, password: PASSWORD });
  await bouncer.isUp(WORK_MS);
  return bouncer;
}

/** What the buttons of Faktory's Web UI do: the worker learns it from its next BEAT. */
async function signal(
  faktory: RealFaktory,
  wid: string,
  state: 'quiet' | 'terminate',
): Promise<void> {
  const client = await RawClient.connect({ port: faktory.port, password: PASSWORD });
  const reply = await client.command(`BEAT ${JSON.stringify({ wid, current_state: state })}`);
  client.end();
  if (reply.kind !== 'bulk') throw new Error(`Cannot signal ${state}: ${JSON.stringify(reply)}`);
}

/** The programs that run, and the jobs that they push and do. */
class Stage {
  readonly ledger = new JobLedger();
  readonly #t: Test;
  readonly #program: ClientProgram;
  readonly #port: number;

  constructor(t: Test, program: ClientProgram, port: number) {
    this.#t = t;
    this.#program = program;
    this.#port = port;
  }

  startWorker(wid: string): SupervisedWorker {
    const worker = new SupervisedWorker(wid, (onLine) => this.#run(['worker', wid], onLine));
    this.#t.teardown(() => worker.discard());
    return worker;
  }

  startProducer(jobs: number): ClientProcess {
    // It takes another number after each error: there are at least as many to spare.
    const first = this.ledger.takeNumbers(10 * jobs);
    const producer = this.#run(['producer', String(first), String(jobs)], () => {});
    this.#t.teardown(() => producer.discard());
    return producer;
  }

  async untilDone(jobs: number): Promise<void> {
    await until(() => this.ledger.done >= jobs, { what: `${jobs} jobs`, withinMs: WORK_MS });
  }

  /** Except what a restart has left reserved: that comes back after half an hour. */
  async untilAllDone(worker: SupervisedWorker): Promise<void> {
    const probe = this.ledger.takeNumbers(1);
    // Behind all others in their queue.
    await this.#push(probe, 1);
    await until(() => this.ledger.isDone(probe), {
      what: `the last job; the worker said ${worker.stderr}`,
      withinMs: WORK_MS,
    });
  }

  async untilQuiet(worker: SupervisedWorker): Promise<void> {
    let rounds = 0;
    const round = async (): Promise<boolean> => {
      const before = worker.done;
      const first = this.ledger.takeNumbers(JOBS_A_ROUND);
      await this.#push(first, JOBS_A_ROUND);
      await until(() => this.ledger.isDone(first + JOBS_A_ROUND - 1), {
        what: 'a round of jobs',
        withinMs: WORK_MS,
      });
      rounds = worker.done === before ? rounds + 1 : 0;
      return rounds >= QUIET_ROUNDS;
    };
    const withinMs = 2 * this.#program.beatMs + END_MS;
    await until(round, { what: `${worker.wid} to be quiet`, withinMs });
  }

  #run(words: readonly string[], onLine: (line: string) => void): ClientProcess {
    return new ClientProcess({
      command: this.#program.command(...words),
      url: `tcp://:${PASSWORD}@127.0.0.1:${this.#port}`,
      onLine: (line) => {
        this.ledger.read(line);
        onLine(line);
      },
    });
  }

  async #push(first: number, count: number): Promise<void> {
    const client = await RawClient.connect({ port: this.#port, password: PASSWORD });
    for (let n = first; n < first + count; n += 1) {
      const reply = await client.command(`PUSH ${jobOf(n)}`);
      if (reply.kind !== 'status') throw new Error(`Cannot push: ${JSON.stringify(reply)}`);
      this.ledger.read(`pushed ${n}`);
      await new Promise((resolve) => setTimeout(resolve, PACE_MS));
    }
    client.end();
  }
}

/** The crate `faktory` cannot read a job without `reserve_for`. */
function jobOf(n: number): string {
  const job = { jid: `by-the-test-${n}`, jobtype: 'Count', args: [n], queue: 'default' };
  return JSON.stringify({ ...job, reserve_for: 1800 });
}

/** Started again whenever it ends, until it is to end. */
class SupervisedWorker {
  readonly wid: string;
  /** Resolves when it has ended for good. */
  readonly ended: Promise<void>;
  isToEnd = false;
  done = 0;
  restarts = 0;
  readonly #start: (onLine: (line: string) => void) => ClientProcess;
  #process: ClientProcess;

  constructor(wid: string, start: (onLine: (line: string) => void) => ClientProcess) {
    this.wid = wid;
    this.#start = start;
    this.#process = this.#started();
    this.ended = this.#supervise();
  }

  get stderr(): string {
    return this.#process.stderr;
  }

  terminate(): void {
    this.#process.terminate();
  }

  discard(): void {
    this.isToEnd = true;
    this.#process.discard();
  }

  async #supervise(): Promise<void> {
    for (;;) {
      await this.#process.ended;
      if (this.isToEnd) return;
      this.restarts += 1;
      this.#process = this.#started();
    }
  }

  #started(): ClientProcess {
    return this.#start((line) => {
      if (line.startsWith('done ')) this.done += 1;
    });
  }
}
