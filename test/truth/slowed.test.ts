// A real Faktory that is slowed to a tenth by pulses of SIGSTOP: the adaptive limit follows it down and
// up again, where a fixed one beside it does not move, and no job is lost.

import t, { type Test } from 'tap';
import { signal } from '../../bench/harness/signals.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { type Overrides, type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import type { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { STARTS_MS, until } from '../support/waiting.ts';
import { Producers, queued } from './producers.ts';

const missing = requireFaktory(t) === undefined;

const FETCHES_MAX = 60;
const FIXED: Overrides = {
  'limits.fetches_in_flight': FETCHES_MAX,
  // By the machine's clock, which a busy machine does not keep to.
  handshake_timeout: '1m',
  'pool.outage_wait': '1m',
};
const ADAPTIVE: Overrides = { ...FIXED, 'limits.adaptive': true, 'limits.adaptive_min': 4 };

/** Stops the process for nine tenths of the time, until the function that is returned is called. */
function slowDown(t: Test, pid: number): () => void {
  let timer: NodeJS.Timeout | null = null;
  const pulse = (name: 'SIGSTOP' | 'SIGCONT'): void => {
    signal(pid, name);
    const isStop = name === 'SIGSTOP';
    timer = setTimeout(() => pulse(isStop ? 'SIGCONT' : 'SIGSTOP'), isStop ? 90 : 10);
  };
  const end = (): void => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    signal(pid, 'SIGCONT');
  };
  t.teardown(end);
  pulse('SIGSTOP');
  return end;
}

/** Clients of one worker that FETCH and ACK without rest. */
class Workers {
  readonly done = new Set<string>();
  /** FETCHes that Faktory answered too late: its Redis has not answered in time. Each may have cost a job. */
  late = 0;
  readonly #bouncer: RunningBouncer;
  readonly #runs: Promise<void>[];
  #isOver = false;

  constructor(bouncer: RunningBouncer, count: number) {
    this.#bouncer = bouncer;
    this.#runs = Array.from({ length: count }, () => this.#work());
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#runs);
  }

  async #work(): Promise<void> {
    while (!this.#isOver) {
      try {
        const client = await this.#bouncer.connect({ wid: 'steady' });
        while (!this.#isOver) await this.#workOnce(client);
        client.end();
        await client.closed;
      } catch {
        // It was refused: a dial may take longer than it may on a busy machine. Another comes.
      }
    }
  }

  async #workOnce(client: RawClient): Promise<void> {
    const reply = await client.command('FETCH default');
    if (reply.kind === 'error' && /context deadline exceeded/.test(reply.text)) this.late += 1;
    if (reply.kind !== 'bulk' || reply.text === null) return;
    const { jid } = JSON.parse(reply.text) as { jid: string };
    this.done.add(jid);
    await client.command(`ACK {"jid":"${jid}"}`);
    await client.command('BEAT {"wid":"steady"}');
  }
}

for (const mode of ['session', 'pooled'] as const) {
  t.test(
    `a slowed Faktory gets fewer FETCHes, and all again (${mode})`,
    { skip: missing },
    async (t) => {
      const faktory = await RealFaktory.start();
      t.teardown(() => faktory.stop());
      const { port, pid } = faktory;
      if (pid === undefined) throw new Error('Cannot slow a Faktory that has ended');
      // Both are slow and fast in the same time.
      const clock = new SystemClock();
      const bouncer = await startBouncer(t, { port, overrides: { mode, ...ADAPTIVE }, clock });
      const fixed = await startBouncer(t, { port, overrides: { mode, ...FIXED }, clock });
      await bouncer.isUp();
      await fixed.isUp();
      const limit = (): number => bouncer.snapshot().limits.fetchesInFlight;
      const workers = new Workers(bouncer, FETCHES_MAX);
      const producers = new Producers(bouncer, 20);
      const others = new Producers(fixed, 5);
      await until(() => workers.done.size > 500 && bouncer.snapshot().adaptation?.longMs !== null, {
        what: 'work at the usual pace',
      });

      const end = slowDown(t, pid);
      await until(() => limit() <= FETCHES_MAX / 2, {
        what: 'fewer FETCHes',
        withinMs: STARTS_MS,
      });
      t.equal(fixed.snapshot().limits.fetchesInFlight, FETCHES_MAX);
      t.equal(fixed.snapshot().adaptation, null);
      const [accepted, finished] = [producers.acknowledged.length, workers.done.size];
      await until(
        () => producers.acknowledged.length > accepted + 20 && workers.done.size > finished + 20,
        { what: 'work to be accepted and finished meanwhile', withinMs: STARTS_MS },
      );
      end();
      await until(() => limit() === FETCHES_MAX, { what: 'all FETCHes', withinMs: STARTS_MS });

      await producers.stop();
      await others.stop();
      await workers.stop();
      // A busy machine lets it stand for longer than the test does. Then Faktory itself loses jobs that it has taken
      // from Redis for a FETCH and cannot reserve in time, and the limit may have backed off before it was lowered.
      const stoodStill = producers.sawPause || others.sawPause || workers.late > 0;
      const kinds = bouncer.bouncer.counts.lanes.adaptiveDecisions.values;
      t.ok(kinds.lower > 0 || stoodStill);
      t.same(Object.values(fixed.bouncer.counts.lanes.adaptiveDecisions.values), [0, 0, 0, 0, 0]);
      t.same([...producers.faults, ...others.faults], []);
      // Faktory's answer to a FETCH may be later than the bouncer's: a job in it is given back.
      await until(() => bouncer.snapshot().strayJobs === 0, {
        what: 'stray jobs to be given back',
      });
      const stored = await queued(faktory.redisSocket);
      const all = [...producers.acknowledged, ...others.acknowledged];
      const lost = all.filter((jid) => !stored.has(jid) && !workers.done.has(jid));
      // Of those that the bouncer answered with nil it cannot be said what Faktory would have told.
      const nils = bouncer.bouncer.counts.lanes.fetchesAnsweredNil.total;
      t.ok(lost.length <= (stoodStill ? workers.late + nils : 0), `lost: ${lost.join()}`);
      t.comment(
        `${lost.length} of ${all.length} jobs, ${workers.done.size} done; ${JSON.stringify(kinds)}`,
      );
    },
  );
}

t.test('a reload switches it on and off, at its floor too', { skip: missing }, async (t) => {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const { port } = faktory;
  const bouncer = await startBouncer(t, { port, overrides: FIXED });
  await bouncer.isUp();
  const producers = new Producers(bouncer, 5);
  t.equal(bouncer.snapshot().adaptation, null);
  bouncer.apply({ port, overrides: ADAPTIVE });
  await until(() => typeof bouncer.snapshot().adaptation?.longMs === 'number', {
    what: 'a measurement',
  });
  t.equal(await bouncer.metric('adaptive_limit{limit="fetches_in_flight"}'), FETCHES_MAX);
  bouncer.apply({ port, overrides: FIXED });
  t.equal(bouncer.snapshot().adaptation, null);
  t.equal(bouncer.snapshot().limits.fetchesInFlight, FETCHES_MAX);
  const before = producers.acknowledged.length;
  await until(() => producers.acknowledged.length > before + 100, { what: 'more jobs' });
  await producers.stop();
  t.same(producers.faults, []);
});
