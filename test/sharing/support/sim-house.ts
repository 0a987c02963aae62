// Many bouncers, one Redis and one Faktory, and what befalls them, all from one seed. Promise: the run throws
// when Faktory counts more connections than the limit; at the end everything is whole again, and within
// the time that docs/scale.md promises the limit is used to the last place.

import { Dice } from '../../model/support/dice.ts';
import { fairShare, type Terms } from '../../../src/sharing/lease.ts';
import { timingOf } from '../../../src/sharing/timing.ts';
import { SimBouncer, type SimWorld } from './sim-bouncer.ts';
import { SimFaktory } from './sim-faktory.ts';
import { SimRedis } from './sim-redis.ts';
import { SimTime } from './sim-time.ts';

const EXPIRY_MS = 10_000;
const KINDS = Array.from({ length: 18 }, (_, kind) => kind);

export interface SimReport {
  readonly peak: number;
  readonly limit: number;
  readonly final: number;
  /** What befell them, one line each. */
  readonly story: readonly string[];
}

export class SimHouse implements SimWorld {
  readonly time = new SimTime();
  readonly dice: Dice;
  readonly timing = timingOf(EXPIRY_MS);
  readonly terms: Terms;
  readonly redis: SimRedis;
  readonly faktory: SimFaktory;
  readonly story: string[] = [];
  isHealed = false;
  /** How often a request or an answer is lost. */
  readonly loss: number;
  /** Whether there are always more clients than places. */
  readonly isCrowded: boolean;
  /** Of twenty connections, how many end in a quarter of a second. */
  readonly churn: number;
  /** What can befall the house. */
  readonly #kinds: readonly number[];
  #isLeaving = new Set<SimBouncer>();
  readonly #block: number;
  /** A place for each expected bouncer; null: none runs there. */
  readonly #bouncers: (SimBouncer | null)[] = [];
  #names = 0;
  #lastJumpAt = -Infinity;

  constructor(seed: number) {
    const dice = new Dice(seed);
    this.dice = dice;
    const replicas = 1 + dice.upTo(4);
    const limit = replicas * (3 + dice.upTo(10)) + dice.upTo(20);
    const most = fairShare({ limit, replicas, guaranteed: 0 });
    this.terms = { limit, replicas, guaranteed: dice.upTo(Math.min(most, 4) + 1) };
    this.#block = 1 + dice.upTo(6);
    this.loss = dice.either(0.2, 0.2, 0.01);
    this.isCrowded = dice.chance(0.6);
    this.churn = dice.either(0.5, 0, dice.upTo(4));
    // Few kinds of misfortune at a time reach further than a mixture in which each undoes the last.
    this.#kinds = dice.chance(0.5)
      ? KINDS
      : [dice.upTo(KINDS.length), dice.upTo(KINDS.length), 4, 14].slice(0, 2 + dice.upTo(3));
    // With guaranteed places they would take some that are kept for two, and are used by neither.
    const strangers = dice.chance(0.6) && this.terms.guaranteed === 0 ? dice.upTo(3) : 0;
    // When Faktory restarts, their places are free for a moment, and are lent.
    if (strangers > 0) this.#kinds = this.#kinds.filter((kind) => kind !== 12 && kind !== 17);
    this.redis = new SimRedis(this.time, dice.upTo(1e9));
    this.faktory = new SimFaktory(this.time, limit);
    for (let i = 0; i < strangers; i += 1) this.faktory.accept({ onEnd: () => {}, owner: this });
    for (let i = 0; i < replicas; i += 1) {
      this.#bouncers.push(null);
      this.time.in(dice.chance(0.8) ? dice.upTo(3000) : dice.upTo(60_000), () => this.#launch(i));
    }
  }

  play(): SimReport {
    const { dice, time } = this;
    const faults = dice.upTo(12);
    const lastsMs = 20_000 + dice.upTo(60_000);
    for (let i = 0; i < faults; i += 1) {
      time.in(dice.upTo(lastsMs), () => this.#misfortune());
    }
    time.playUntil(lastsMs);
    this.#heal();
    time.playUntil(lastsMs + 3 * EXPIRY_MS);
    return {
      peak: this.faktory.peak,
      limit: this.terms.limit,
      final: this.faktory.count,
      story: this.story,
    };
  }

  #tell(text: string): void {
    this.story.push(`${Math.round(this.time.now)} ms: ${text}`);
  }

  #launch(i: number): void {
    if (this.#bouncers[i] !== null) return;
    this.#names += 1;
    const bouncer = new SimBouncer(this, `b${i}.${this.#names}`, this.terms, this.#block);
    this.#bouncers[i] = bouncer;
    this.#tell(`bouncer ${i} starts`);
    if (this.isHealed || this.isCrowded) bouncer.target = this.terms.limit;
    bouncer.start();
  }

  /** Another takes its place when Faktory counts it no more: else it would still be one of those expected. */
  #replace(i: number, bouncer: SimBouncer, inMs: number): void {
    this.time.in(inMs, () => {
      if (this.faktory.countOf(bouncer) > 0) this.#replace(i, bouncer, 100);
      else this.#launch(i);
    });
  }

  #misfortune(): void {
    const { dice, time, redis, faktory } = this;
    const i = dice.upTo(this.#bouncers.length);
    const bouncer = this.#bouncers[i];
    const longMs = dice.random() * dice.either(0.3, 4, 1.5) * EXPIRY_MS;
    const kind = dice.pick(this.#kinds) ?? 0;
    if (
      (kind <= 6 || kind >= 14) &&
      (bouncer === null || bouncer === undefined || bouncer.process.isDead)
    )
      return;
    switch (kind) {
      case 0:
        this.#tell(`bouncer ${i} is killed`);
        bouncer?.kill(dice.either(0.1, 12_000, 2000));
        this.#gone(i, longMs);
        return;
      case 1:
        this.#tell(`bouncer ${i} vanishes`);
        bouncer?.vanish(longMs * 2);
        this.#gone(i, longMs);
        return;
      case 2:
      case 3:
        this.#tell(`bouncer ${i} is stopped for ${longMs}`);
        bouncer?.process.stop();
        time.in(longMs, () => bouncer?.process.goOn());
        return;
      case 4:
        this.#tell(`bouncer ${i} is cut from Redis for ${longMs}`);
        if (bouncer) this.#cutFromRedis(bouncer, longMs);
        return;
      case 5:
        this.#tell(`bouncer ${i} is cut from Faktory for ${longMs}`);
        bouncer?.cutFromFaktory();
        if (dice.chance(0.5))
          this.#later(longMs * dice.random(), () => bouncer?.droppedByFaktory());
        time.in(longMs, () => bouncer?.mendToFaktory());
        return;
      case 6:
        this.#tell(`bouncer ${i} leaves`);
        if (!bouncer?.process.isRunning || this.#isLeaving.has(bouncer)) return;
        this.#isLeaving.add(bouncer);
        bouncer.leave(() => this.#gone(i, longMs));
        return;
      case 7:
        this.#tell(`Redis is away for ${longMs}`);
        redis.isUp = false;
        time.in(longMs, () => {
          redis.isUp = true;
        });
        return;
      case 8:
        this.#tell('Redis restarts');
        redis.restart(dice.chance(0.3) ? null : dice.upTo(20_000), redis.offset);
        return;
      case 9:
        this.#tell('a replica takes over');
        redis.restart(dice.upTo(3000), redis.offset + dice.upTo(1e8) - 5e7);
        return;
      case 10:
        this.#tell('Redis is flushed');
        redis.flush();
        return;
      case 11:
        // The margin is for one in each expiry.
        if (time.now - this.#lastJumpAt < EXPIRY_MS * 1.5) return;
        this.#lastJumpAt = time.now;
        this.#tell("Redis's clock jumps");
        redis.jump(dice.upTo(1e7) - 5e6);
        return;
      case 12:
        this.#tell(`Faktory restarts in ${longMs}`);
        faktory.isUp = false;
        faktory.endAll(null);
        time.in(longMs / 2, () => {
          faktory.isUp = true;
        });
        return;
      case 13:
        for (const one of this.#bouncers) {
          if (one && !this.#isLeaving.has(one)) one.target = dice.upTo(this.terms.limit + 1);
        }
        return;
      case 14:
      case 15:
        if (bouncer) this.#isolate(i, bouncer);
        return;
      case 16:
        this.#tell(`bouncer ${i} is stopped, and another has lost connections without knowing it`);
        bouncer?.process.stop();
        time.in(EXPIRY_MS + longMs, () => bouncer?.process.goOn());
        this.#phantoms(this.#bouncers[(i + 1) % this.#bouncers.length] ?? null, longMs);
        return;
      case 17:
        // Whoever is stopped finds out late.
        this.#tell(`Faktory restarts while bouncer ${i} is stopped`);
        bouncer?.process.stop();
        this.#later(EXPIRY_MS * 1.5 * dice.random(), () => faktory.endAll(null));
        time.in(EXPIRY_MS * 3 * dice.random(), () => bouncer?.process.goOn());
    }
  }

  /** Its clients leave meanwhile, so that others may take what it had, and come back. */
  #cutFromRedis(bouncer: SimBouncer, lastsMs: number): void {
    const { dice, time, terms } = this;
    bouncer.reachesRedis = false;
    time.in(lastsMs, () => {
      bouncer.reachesRedis = true;
    });
    if (dice.chance(0.5) || this.#isLeaving.has(bouncer)) return;
    bouncer.target = dice.upTo(3);
    this.#later(lastsMs * dice.random(), () => {
      if (this.#isLeaving.has(bouncer)) return;
      bouncer.target = terms.limit;
    });
  }

  /** Cut from Redis, and for a part of that time from Faktory, which drops its connections or does not. */
  #isolate(i: number, bouncer: SimBouncer): void {
    const { dice, time } = this;
    const lastsMs = EXPIRY_MS * (1 + 3 * dice.random());
    const fromMs = lastsMs * dice.random();
    const untilMs =
      fromMs + (lastsMs - fromMs) * dice.either(0.4, dice.random(), dice.random() / 5);
    this.#tell(
      `bouncer ${i} is cut from Redis for ${lastsMs}, from Faktory ${fromMs} to ${untilMs}`,
    );
    this.#cutFromRedis(bouncer, lastsMs);
    this.#later(fromMs, () => bouncer.cutFromFaktory());
    this.#later(fromMs + (untilMs - fromMs) * dice.either(0.5, 0.01, dice.random()), () => {
      if (dice.chance(0.8)) bouncer.droppedByFaktory();
    });
    time.in(untilMs, () => bouncer.mendToFaktory());
  }

  #phantoms(bouncer: SimBouncer | null, lastsMs: number): void {
    bouncer?.cutFromFaktory();
    this.#later(this.dice.random() * EXPIRY_MS, () => bouncer?.droppedByFaktory());
    this.time.in(EXPIRY_MS + lastsMs * 1.1, () => bouncer?.mendToFaktory());
  }

  /** A misfortune that comes later; not once everything is whole again. */
  #later(ms: number, act: () => void): void {
    this.time.in(ms, () => {
      if (!this.isHealed) act();
    });
  }

  #gone(i: number, beforeMs: number): void {
    const longMs = this.isHealed ? 10 : beforeMs;
    const bouncer = this.#bouncers[i];
    this.#bouncers[i] = null;
    if (bouncer && (this.isHealed || this.dice.chance(0.7)))
      this.#replace(i, bouncer, this.dice.either(0.5, longMs, 10));
  }

  #heal(): void {
    this.#tell('everything is whole again');
    this.isHealed = true;
    this.redis.isUp = true;
    this.faktory.isUp = true;
    const running = new Set<object>([this, ...this.#bouncers.filter((one) => one !== null)]);
    this.#bouncers.forEach((bouncer, i) => {
      if (bouncer === null) {
        this.#launch(i);
        return;
      }
      bouncer.reachesRedis = true;
      bouncer.mendToFaktory();
      bouncer.process.goOn();
    });
    this.faktory.endAllBut(running);
    for (const bouncer of this.#bouncers) {
      if (bouncer && !this.#isLeaving.has(bouncer)) bouncer.target = this.terms.limit;
    }
  }
}
