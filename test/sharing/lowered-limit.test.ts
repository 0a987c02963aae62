// A shared limit that a reload lowers while one bouncer uses most of it: nobody opens anything until enough
// has ended, and then the limit is used to the last place. The real lease code, in simulated time.

import t from 'tap';
import type { Terms } from '../../src/sharing/lease.ts';
import { timingOf } from '../../src/sharing/timing.ts';
import { Dice } from '../model/support/dice.ts';
import { SimBouncer, type SimWorld } from './support/sim-bouncer.ts';
import { SimFaktory } from './support/sim-faktory.ts';
import { SimRedis } from './support/sim-redis.ts';
import { SimTime } from './support/sim-time.ts';

const SEEDS = 200;
const EXPIRY_MS = 10_000;
/** All have leased what they want by then. */
const LOWERED_AT = 20_000;
/** The reloads are not all at once. */
const WITHIN_MS = 1000;
/** Nobody leaves any more from then on. */
const QUIET_AT = LOWERED_AT + 40_000;
const END_AT = QUIET_AT + 20_000;

class World implements SimWorld {
  readonly time = new SimTime();
  readonly dice: Dice;
  readonly timing = timingOf(EXPIRY_MS);
  readonly loss = 0;
  readonly churn: number;
  isHealed = false;
  readonly redis: SimRedis;
  readonly faktory: SimFaktory;
  readonly bouncers: readonly SimBouncer[];

  constructor(seed: number, { terms, churn }: { terms: Terms; churn: number }) {
    this.dice = new Dice(seed);
    this.churn = churn;
    this.redis = new SimRedis(this.time, this.dice.upTo(1e9));
    this.faktory = new SimFaktory(this.time, terms.limit);
    this.bouncers = Array.from({ length: terms.replicas }, (_, i) => {
      return new SimBouncer(this, `b${i}`, terms, 1 + this.dice.upTo(6));
    });
    for (const bouncer of this.bouncers) bouncer.start();
  }
}

interface Outcome {
  readonly before: number;
  readonly final: number;
  readonly lowered: number;
}

/** The first bouncer uses `used` of `limit`, the others nothing, until the limit is lowered and clients come to all. */
function play(seed: number, isCrowded: boolean): Outcome {
  const dice = new Dice(seed);
  const replicas = 2 + dice.upTo(3);
  const limit = replicas * (8 + dice.upTo(12));
  const lowered = replicas * (3 + dice.upTo(5));
  const terms = { limit, replicas, guaranteed: dice.upTo(3) };
  const world = new World(seed, { terms, churn: isCrowded ? 2 : 0 });
  const { time, faktory, bouncers } = world;
  const [first, ...others] = bouncers;
  if (first === undefined) throw new Error('no bouncer');
  // As much as there is; or so much that nothing has to end: what others are guaranteed is theirs.
  const guaranteed = terms.guaranteed * (replicas - 1);
  const used = isCrowded ? limit : dice.upTo(lowered - replicas - guaranteed + 1);
  first.target = used;
  for (const other of others) other.target = isCrowded ? limit : 0;
  time.playUntil(LOWERED_AT);
  for (const bouncer of bouncers) {
    time.in(dice.upTo(WITHIN_MS), () => bouncer.lease.termsChanged({ ...terms, limit: lowered }));
  }
  time.playUntil(LOWERED_AT + WITHIN_MS);
  const before = faktory.count;
  // What is being dialled may still arrive.
  const dialled = bouncers.reduce((sum, bouncer) => sum + bouncer.used, replicas);
  faktory.limit = Math.max(lowered, dialled);
  for (const bouncer of bouncers) bouncer.target = limit;
  time.playUntil(QUIET_AT);
  world.isHealed = true;
  time.playUntil(END_AT);
  return { before, final: faktory.count, lowered };
}

for (const isCrowded of [false, true]) {
  const title = isCrowded ? 'with more than the limit in use' : 'with idle leases of others';
  t.test(`a limit that is lowered holds, ${title}`, async (t) => {
    let above = 0;
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const { before, final, lowered } = play(seed, isCrowded);
      if (before > lowered) above += 1;
      if (final !== lowered) t.fail(`seed ${seed}: ${final} of ${lowered} at the end`);
    }
    if (isCrowded) t.ok(above > SEEDS / 2, `${above} seeds with more in use than the lower limit`);
    else t.equal(above, 0);
  });
}
