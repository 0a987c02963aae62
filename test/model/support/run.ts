// One run of the model: a seed decides who does what in which order, and how every byte is split.
// Promise: the same seed gives the same run; what the bouncer promises is checked while it is played
// and at the end, and what does not hold is returned in words.

import type { Mode } from '../../../src/config/config.ts';
import type { ModelClient } from '../../support/model-client.ts';
import { BAD_QUEUE } from '../../support/memory-jobs.ts';
import { afterCallback, settle } from '../../support/settle.ts';
import { Dice } from './dice.ts';
import { Drain } from './drain.ts';
import { Misfortunes } from './misfortunes.ts';
import { planOf } from './plan.ts';
import { Promises } from './promises.ts';
import { Scene } from './scene.ts';
import type { Tally } from './tally.ts';

const QUEUES = ['a', 'b', 'c'];
const DEADLY = ['PUSH', 'ACK', 'BEAT', 'QUEUE PAUSE'];
/**
 * Long enough for every deadline, and for what a slow Faktory has to work off: four commands of one client,
 * each of which may be held for 4 s, or be answered late.
 */
const SETTLE_MS = 25_000;
const CAPS_CHECKED_EVERY = 16;

/** False where there was nothing to do. */
type Act = () => boolean;

export interface RunResult {
  readonly problems: readonly string[];
  readonly tally: Tally;
}

/** `mode`: null where the seed decides. */
export function runModel(seed: number, mode: Mode | null): Promise<RunResult> {
  const dice = new Dice(seed);
  return new ModelRun(new Scene(planOf(dice, mode), dice)).run();
}

class ModelRun {
  readonly #scene: Scene;
  readonly #dice: Dice;
  readonly #promises: Promises;
  readonly #misfortunes: Misfortunes;
  readonly #drain: Drain;
  #jobs = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#dice = scene.dice;
    this.#drain = new Drain(scene);
    this.#promises = new Promises(scene, this.#drain);
    this.#misfortunes = new Misfortunes(scene);
  }

  async run(): Promise<RunResult> {
    const stop = captureUncaught((error) => this.#scene.uncaught(error));
    try {
      await this.#play();
    } finally {
      stop();
    }
    const { problems, tally } = this.#scene;
    return { problems, tally };
  }

  async #play(): Promise<void> {
    const { house, plan, tally } = this.#scene;
    tally.add(`mode: ${plan.config.mode}`);
    tally.add(`service times: ${plan.times.kind}`);
    await house.start();
    house.faktory.startReaping();
    for (let step = 0; step < plan.steps && !this.#scene.hasDied; step += 1) {
      await this.#step();
      await (this.#dice.chance(0.5) ? this.#scene.turn() : afterCallback());
      if (step % CAPS_CHECKED_EVERY === 0) this.#scene.caps.check();
    }
    if (!this.#scene.hasDied) await this.#end();
  }

  async #end(): Promise<void> {
    const { house } = this.#scene;
    this.#misfortunes.end();
    const check = (): void => this.#scene.caps.check();
    await settle(house, SETTLE_MS, check);
    if (!this.#scene.hasDied) this.#promises.checkAllAnswered();
    for (const client of this.#scene.here) client.close();
    await settle(house, SETTLE_MS, check);
    await this.#drain.check();
    if (!this.#scene.hasDied) this.#promises.checkEnd();
  }

  async #step(): Promise<void> {
    const { plan } = this.#scene;
    const dice = this.#dice.random();
    if (dice < plan.misfortunes) await this.#misfortunes.strike();
    else if (dice < 0.5) firstOf(this.#deliver, this.#execute, this.#act);
    else if (dice < 0.7) firstOf(this.#execute, this.#deliver, this.#act);
    else if (dice < 0.9) firstOf(this.#act, this.#deliver);
    else if (dice < 0.94) this.#clientComes();
    else if (dice < 0.96) this.#scene.house.hasher.tellNext();
    else if (dice < 0.98) await this.#scene.moveClock((clock) => clock.advanceToNext(2500));
    else if (dice < 0.998)
      await this.#scene.moveClock((clock) => clock.advance(this.#dice.upTo(200)));
    else if (plan.kinds.has('drain')) this.#drain.begin();
  }

  readonly #deliver: Act = () => {
    const end = this.#dice.pick(this.#scene.house.network.armed);
    if (end === undefined) return false;
    this.#scene.deliver(end, this.#dice.chance(0.3) ? 1 + this.#dice.upTo(40) : Infinity);
    return true;
  };

  readonly #execute: Act = () => {
    const { faktory } = this.#scene.house;
    const connection = this.#dice.pick(faktory.busy);
    if (connection === undefined) return false;
    faktory.step(connection);
    return true;
  };

  readonly #act: Act = () => {
    const { pipeline } = this.#scene.plan;
    const client = this.#dice.pick(
      this.#scene.here.filter(
        ({ isReady, outstanding }) => isReady && outstanding.length < pipeline,
      ),
    );
    if (client === undefined) return false;
    if (this.#dice.chance(0.02)) this.#misfortunes.leave(client, 'close');
    else this.#say(client);
    return true;
  };

  #clientComes(): void {
    if (this.#scene.here.length >= this.#scene.plan.clients) return;
    this.#scene.clientComes((command, reply) => this.#promises.mayRead(command, reply));
  }

  #say(client: ModelClient): void {
    const dice = this.#dice.random();
    const done = client.held.length > 0 && this.#dice.chance(0.4) ? client.held.shift() : undefined;
    if (done !== undefined) client.send(this.#dice.either(0.3, 'FAIL', 'ACK'), { jid: done });
    else if (dice < 0.35) this.#push(client);
    else if (dice < 0.4) client.sendBulk([this.#newJid(), this.#newJid()], this.#queue());
    else if (dice < 0.75) client.fetch(this.#someQueues());
    else if (dice < 0.85 && client.wid !== null) client.send('BEAT', { wid: client.wid });
    else if (dice < 0.87) client.sendDeadly(this.#dice.pick(DEADLY) ?? 'PUSH');
    else client.send(this.#dice.pick(['INFO', 'MUTATE', 'FLUSHED', 'TRACK']) ?? 'INFO');
  }

  #push(client: ModelClient): void {
    const queue = this.#dice.chance(0.05) ? BAD_QUEUE : this.#queue();
    const args = this.#dice.chance(0.03) ? { args: ['x'.repeat(this.#dice.upTo(8000))] } : {};
    client.send('PUSH', { jid: this.#newJid(), queue, ...args });
  }

  #newJid(): string {
    this.#jobs += 1;
    return `job-${String(this.#jobs).padStart(6, '0')}`;
  }

  #queue(): string {
    return this.#dice.pick(QUEUES) ?? 'a';
  }

  #someQueues(): string[] {
    const some = QUEUES.filter(() => this.#dice.chance(0.5));
    if (some.length === 0) return [...QUEUES];
    return this.#dice.chance(0.5) ? some : some.toReversed();
  }
}

/** Does the first of them that can be done. */
function firstOf(...acts: readonly Act[]): void {
  for (const act of acts) if (act()) return;
}

/** What is thrown in a turn of the event loop of its own, or in a promise. */
function captureUncaught(caught: (error: unknown) => void): () => void {
  process.setUncaughtExceptionCaptureCallback(caught);
  return () => process.setUncaughtExceptionCaptureCallback(null);
}
