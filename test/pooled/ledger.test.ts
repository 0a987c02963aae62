// Where every acknowledged PUSH is in the end: done, or still Faktory's. Clients die all the time.

import t from 'tap';
import { SystemClock } from '../../src/base/clock.ts';
import { pushLine, seededRandom } from '../session/house.ts';
import { type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { type Held, heldByFaktory, heldInTheEnd } from '../support/held-jobs.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';

const JOBS = 1500;
const PRODUCERS = 5;
const CONSUMERS = 8;
const SEED = Number(process.env['LEDGER_SEED'] ?? 1);

const missing = requireFaktory(t) === undefined;

/** Producers and workers that are reset at random, and what they heard. */
class Market {
  readonly pushed: string[] = [];
  readonly got: string[] = [];
  readonly acknowledged = new Set<string>();
  readonly #bouncer: RunningBouncer;
  readonly #random: () => number;
  isOver = false;
  deaths = 0;

  constructor(bouncer: RunningBouncer, seed: number) {
    this.#bouncer = bouncer;
    this.#random = seededRandom(seed);
  }

  async produce(): Promise<void> {
    while (this.pushed.length < JOBS) {
      const client = await this.#bouncer.connect();
      try {
        while (this.pushed.length < JOBS) {
          const { jid, line } = pushLine();
          const reply = client.command(line);
          if (this.#random() < 0.005) client.reset();
          if ((await reply).kind === 'status') this.pushed.push(jid);
        }
      } catch {
        this.deaths += 1;
      }
      client.reset();
    }
  }

  async consume(wid: string): Promise<void> {
    while (!this.isOver) {
      const client = await this.#bouncer.connect({ wid });
      try {
        while (!this.isOver) {
          const fetched = client.command('FETCH default');
          if (this.#random() < 0.01) client.reset();
          const reply = await fetched;
          if (reply.kind !== 'bulk' || reply.text === null) continue;
          const { jid } = JSON.parse(reply.text) as { jid: string };
          this.got.push(jid);
          const ack = await client.command(`ACK {"jid":"${jid}"}`);
          if (ack.kind === 'status') this.acknowledged.add(jid);
        }
      } catch {
        this.deaths += 1;
      }
      client.reset();
    }
  }
}

for (const isKilled of [false, true]) {
  const title = `every acknowledged PUSH is in one place; Faktory ${isKilled ? 'killed once' : 'well'}`;
  t.test(title, { skip: missing }, async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    t.comment(`Faktory ${faktory.version}, LEDGER_SEED=${SEED}`);
    const overrides = { mode: 'pooled', 'pool.hold': '200ms' };
    const clock = new SystemClock();
    const bouncer = await startBouncer(t, { port: faktory.port, overrides, clock });
    await bouncer.isUp();
    const market = new Market(bouncer, SEED);
    const producing = Array.from({ length: PRODUCERS }, () => market.produce());
    const consuming = Array.from({ length: CONSUMERS }, (_, i) => market.consume(`w${i % 3}`));
    if (isKilled) {
      await until(() => market.acknowledged.size > JOBS / 3, { what: 'a third of the jobs' });
      await faktory.kill();
      await faktory.startAgain();
    }
    await Promise.all(producing);
    const enqueued = async (): Promise<boolean> => {
      return [...(await heldByFaktory(faktory)).values()].every((at) => !at.includes('queued'));
    };
    await until(enqueued, { what: 'the queue to be worked off', withinMs: 120_000 });
    market.isOver = true;
    await Promise.all(consuming);
    await bouncer.gaugesAreZero();

    const got = new Set(market.got);
    // One that was handed out and is nowhere: its ACK arrived, and the reply did not.
    const lostFrom = (held: Held): readonly string[] =>
      market.pushed.filter((jid) => !got.has(jid) && !held.has(jid));
    // Those that Faktory, when it was killed, had taken from the queue and not yet reserved.
    const mayBeLost = isKilled ? CONSUMERS : 0;
    const held = await heldInTheEnd(faktory, (held) => lostFrom(held).length <= mayBeLost);
    t.equal(got.size, market.got.length, 'none handed out twice');
    t.same(
      [...held].filter(([, places]) => places.length > 1),
      [],
      'none in two places',
    );
    const done = [...market.acknowledged].filter((jid) => held.has(jid));
    t.same(done, [], 'none both done and there');
    const lost = lostFrom(held);
    const places = [...held.values()].flat();
    const count = (place: string): number => places.filter((one) => one === place).length;
    t.comment(
      `${market.deaths} deaths; ${market.acknowledged.size} done, ${count('retries')} given back, ` +
        `${count('working')} reserved, ${lost.length} lost`,
    );
    t.ok(lost.length <= mayBeLost, `lost: ${lost.join()}`);
    t.equal(await bouncer.metric('bugs_total'), 0);
  });
}
