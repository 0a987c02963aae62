// What a Faktory in memory does with a command line, Redis included. Promise: how often each command
// was executed is known; so is every `+OK` that was said of a job that is not stored. What is begun
// for a connection that is lost meanwhile is finished, as the real one does.

import type { Clock } from '../../src/base/clock.ts';
import type { FaktoryConnection } from './faktory-connection.ts';
import { BAD_QUEUE, MemoryJobs, type StoredJob } from './memory-jobs.ts';
import { MemoryRedis, REFUSAL, TIMEOUT } from './memory-redis.ts';
import {
  errorReply,
  jobReply,
  type Payload,
  payloadsOf,
  pushbReply,
  replyTo,
  verbOf,
} from './memory-replies.ts';

export const FALSE_OKS = ['late', 'refused', 'backlog'] as const;
/**
 * Why a `+OK` was said of a job that is not stored, or not yet: Redis did not answer in time, refused the
 * write, or could not be dialled.
 */
export type FalseOk = (typeof FALSE_OKS)[number];

const FETCH_BLOCKS_MS = 2000;
/** What Redis was sent when it hung is done by it, or is not, when it answers again. */
const DONE_LATE = 0.5;

/** What BEAT is about is in memory, and of other verbs Faktory knows nothing (v1.7.0 server/commands.go). */
const OF_REDIS = /^(?:PUSHB?|FETCH|ACK|FAIL|INFO|MUTATE|FLUSH|QUEUE)$/;

/** Who knows the workers. */
export interface Workers {
  /** Notes that the worker is alive; false where it is not known. */
  beat(wid: string): boolean;
}

export class MemoryCommands {
  readonly jobs = new MemoryJobs();
  readonly redis: MemoryRedis;
  /** Ids of commands that were executed, and how often. */
  readonly executed = new Map<string, number>();
  /** Jobs of which it said `+OK` and should not have. */
  readonly falseOks = new Map<string, FalseOk>();
  /** Error replies that are not those of the command alone, by id; of FETCHes under ''. */
  readonly errors = new Map<string, Set<string>>();
  /** Ids of commands that were answered to nobody. */
  readonly mute = new Set<string>();
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #workers: Workers;
  /** FETCHes that wait for a job, first come first served. */
  readonly #blocked = new Set<FaktoryConnection>();
  readonly #working = new Set<FaktoryConnection>();

  constructor(clock: Clock, random: () => number, workers: Workers) {
    this.#clock = clock;
    this.#random = random;
    this.#workers = workers;
    this.redis = new MemoryRedis(clock, random);
  }

  /** FETCHes at work for connections that the bouncer holds. */
  get fetches(): number {
    let fetches = 0;
    for (const connection of this.#blocked) if (connection.isHeld) fetches += 1;
    return fetches;
  }

  /** Takes up a command; it is answered now, or when Redis has done its part. */
  begin(connection: FaktoryConnection, line: string): void {
    const verb = verbOf(line);
    const touchesRedis = OF_REDIS.test(verb);
    const ms = touchesRedis ? this.redis.nextMs() : 0;
    if (!touchesRedis) this.#execute(connection, line);
    else if (ms > 0) this.#work(connection, line, ms);
    else this.#meetRedis(connection, line);
  }

  /** A job comes from elsewhere. */
  put(job: Payload): void {
    this.#store([job]);
  }

  noteError(id: string, error: string): void {
    const errors = this.errors.get(id) ?? new Set<string>();
    this.errors.set(id, errors.add(error));
  }

  /** Faktory dies: nothing that it works on comes to an end. */
  stop(): void {
    for (const connection of this.#blocked) this.#unblock(connection);
    for (const connection of this.#working) this.#workEnds(connection)?.cancel();
  }

  #work(connection: FaktoryConnection, line: string, ms: number): void {
    const timer = this.#clock.after(ms, () => {
      this.#workEnds(connection);
      this.#meetRedis(connection, line);
    });
    this.#workBegins(connection, line, () => timer.cancel());
  }

  #meetRedis(connection: FaktoryConnection, line: string): void {
    if (this.redis.state !== 'hung') {
      this.#execute(connection, line);
      return;
    }
    const verb = verbOf(line);
    if (isPush(verb) && this.redis.backlogIsFull) {
      this.#answerInVain(connection, line, 'backlog');
      return;
    }
    const gaveUp = this.#clock.after(this.redis.givesUpMs(verb), () => {
      this.#workEnds(connection)?.cancel();
      this.#giveUp(connection, line);
    });
    const hanging = this.redis.hang(verb, () => {
      this.#workEnds(connection)?.cancel();
      this.#execute(connection, line);
    });
    this.#workBegins(connection, line, () => {
      gaveUp.cancel();
      hanging.cancel();
    });
  }

  #workBegins(connection: FaktoryConnection, line: string, cancel: () => void): void {
    connection.working = { line, cancel };
    this.#working.add(connection);
  }

  #workEnds(connection: FaktoryConnection): FaktoryConnection['working'] {
    const { working } = connection;
    connection.working = null;
    this.#working.delete(connection);
    return working;
  }

  #giveUp(connection: FaktoryConnection, line: string): void {
    const verb = verbOf(line);
    const payloads = payloadsOf(verb, line);
    const isDoneLate = this.#random() < DONE_LATE;
    if (verb === 'FETCH') {
      // What it pops then, it pops for nobody.
      if (isDoneLate) this.redis.whenItAnswers(() => this.#takeForNobody(line));
      this.#sayError(connection, '', TIMEOUT);
    } else if (isPush(verb)) {
      if (isDoneLate) this.redis.whenItAnswers(() => this.#store(payloads));
      this.#answerInVain(connection, line, 'late');
    } else {
      this.#count(payloads);
      if (isDoneLate) this.redis.whenItAnswers(() => this.#finish(verb, payloads));
      else this.#failInVain(verb, payloads);
      this.#sayError(connection, payloads[0]?.id ?? '', TIMEOUT);
    }
  }

  #takeForNobody(line: string): void {
    const job = this.jobs.take(line.split(' ').slice(1));
    if (job !== null) job.wasCut = true;
  }

  /** PUSH and PUSHB whose LPUSH failed are answered as if it had not (v1.7.0 manager/manager.go). */
  #answerInVain(connection: FaktoryConnection, line: string, why: FalseOk): void {
    const verb = verbOf(line);
    const payloads = payloadsOf(verb, line);
    this.#count(payloads);
    for (const { jid = '', queue } of payloads) {
      if (queue === BAD_QUEUE || this.jobs.get(jid) !== undefined) continue;
      this.falseOks.set(jid, why);
    }
    this.#answer(connection, verb, payloads);
  }

  #execute(connection: FaktoryConnection, line: string): void {
    const verb = verbOf(line);
    const payloads = payloadsOf(verb, line);
    const isRefused = this.redis.state === 'refusing' && verb !== 'INFO' && OF_REDIS.test(verb);
    if (isRefused) {
      this.#executeRefused(connection, line);
    } else if (verb === 'FETCH') {
      this.#fetch(connection, line.split(' ').slice(1));
    } else {
      this.#count(payloads);
      const [{ id, wid = '' } = { id: '' }] = payloads;
      if (verb === 'BEAT' && !this.#workers.beat(wid)) {
        this.#sayError(connection, id, `unknown worker ${wid}`);
        return;
      }
      if (isPush(verb)) this.#store(payloads);
      else this.#finish(verb, payloads);
      this.#answer(connection, verb, payloads);
    }
  }

  /** PUSH to a queue that exists says nothing of the refusal; all that looks at the error does. */
  #executeRefused(connection: FaktoryConnection, line: string): void {
    const verb = verbOf(line);
    const payloads = payloadsOf(verb, line);
    const [first] = payloads;
    if (isPush(verb) && first?.at === undefined) {
      this.#answerInVain(connection, line, 'refused');
      return;
    }
    this.#count(payloads);
    this.#failInVain(verb, payloads);
    this.#sayError(connection, first?.id ?? '', REFUSAL);
  }

  /** FAIL forgets the reservation before it asks Redis (v1.7.0 manager/retry.go): the job is lost. */
  #failInVain(verb: string, payloads: readonly Payload[]): void {
    if (verb !== 'FAIL') return;
    for (const { jid = '' } of payloads) {
      const job = this.jobs.get(jid);
      if (job?.where === 'reserved') job.wasCut = true;
    }
  }

  #store(payloads: readonly Payload[]): void {
    for (const { jid = '', queue = '', at } of payloads) {
      if (queue === BAD_QUEUE || at !== undefined) continue;
      this.falseOks.delete(jid);
      if (this.jobs.push(jid, queue)) this.#wake(queue);
    }
  }

  /** The FETCH that has waited longest for `queue` gets the job there. */
  #wake(queue: string): void {
    for (const connection of this.#blocked) {
      if (connection.blocked?.queues.includes(queue) !== true) continue;
      const job = this.jobs.take([queue]);
      this.#unblock(connection);
      if (job !== null) this.#handOut(connection, job);
      return;
    }
  }

  #finish(verb: string, payloads: readonly Payload[]): void {
    for (const { jid = '', errtype } of payloads) {
      if (verb === 'ACK') this.jobs.finish(jid, 'acked');
      if (verb !== 'FAIL') continue;
      this.jobs.finish(jid, errtype === 'ClientGone' ? 'given back' : 'failed');
    }
  }

  #fetch(connection: FaktoryConnection, queues: readonly string[]): void {
    const job = this.jobs.take(queues);
    if (job !== null) {
      this.#handOut(connection, job);
      return;
    }
    const timer = this.#clock.after(FETCH_BLOCKS_MS, () => {
      this.#unblock(connection);
      connection.say('$-1\r\n');
    });
    connection.blocked = { queues, cancel: () => timer.cancel() };
    this.#blocked.add(connection);
  }

  #unblock(connection: FaktoryConnection): void {
    connection.blocked?.cancel();
    connection.blocked = null;
    this.#blocked.delete(connection);
  }

  #handOut(connection: FaktoryConnection, job: StoredJob): void {
    if (connection.isMute) job.wasCut = true;
    connection.say(jobReply(job), { jid: job.jid });
  }

  #answer(connection: FaktoryConnection, verb: string, payloads: readonly Payload[]): void {
    const [first = { id: 'its-own' }] = payloads;
    if (connection.isMute) for (const { id } of payloads) this.mute.add(id);
    const text = verb === 'PUSHB' ? pushbReply(payloads) : replyTo(verb, first);
    connection.say(text, { ids: payloads.map(({ id }) => id) });
  }

  #sayError(connection: FaktoryConnection, id: string, text: string): void {
    const error = errorReply(text);
    this.noteError(id, error);
    if (connection.isMute) this.mute.add(id);
    connection.say(error, { ids: [id] });
  }

  #count(payloads: readonly Payload[]): void {
    for (const { id } of payloads) this.executed.set(id, (this.executed.get(id) ?? 0) + 1);
  }
}

function isPush(verb: string): boolean {
  return verb === 'PUSH' || verb === 'PUSHB';
}
