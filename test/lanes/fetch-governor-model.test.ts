// Whatever asks, ends and is withdrawn in whatever order: the cap holds and no free place idles.

import { equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { Limit } from '../../src/base/limit.ts';
import { FetchGovernor } from '../../src/lanes/fetch-governor.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { Ticket } from './ticket.ts';

type Stage = 'waiting' | 'in flight' | 'over';

interface Fetch {
  readonly ticket: Ticket;
  readonly askedAt: number;
  stage: Stage;
}

class Scene {
  readonly cap: number;
  readonly clock = new FakeClock();
  readonly governor: FetchGovernor;
  readonly fetches: Fetch[] = [];

  constructor(cap: number) {
    this.cap = cap;
    this.governor = new FetchGovernor({
      limit: new Limit(cap),
      clock: this.clock,
      counts: new LaneCounts(),
      onBug: (error) => {
        throw error;
      },
    });
  }

  ask(worker: string | null): void {
    const ticket = new Ticket(worker);
    const fetch: Fetch = { ticket, askedAt: this.clock.now(), stage: 'waiting' };
    ticket.granted = () => {
      equal(fetch.stage, 'waiting');
      ok(this.clock.now() - fetch.askedAt < 800, 'it is sent in time or not at all');
      fetch.stage = 'in flight';
    };
    ticket.answered = () => {
      equal(fetch.stage, 'waiting');
      equal(this.clock.now() - fetch.askedAt, 2000);
      fetch.stage = 'over';
    };
    ticket.late = () => {
      equal(fetch.stage, 'in flight');
      equal(this.clock.now() - fetch.askedAt, 2000);
      return true;
    };
    this.fetches.push(fetch);
    this.governor.ask(ticket);
  }

  in(stage: Stage): Fetch[] {
    return this.fetches.filter((fetch) => fetch.stage === stage);
  }

  done(fetch: Fetch): void {
    fetch.stage = 'over';
    this.governor.done(fetch.ticket);
  }

  withdraw(fetch: Fetch): void {
    fetch.stage = 'over';
    ok(this.governor.withdraw(fetch.ticket));
  }

  look(): void {
    const inFlight = this.in('in flight').length;
    const waiting = this.in('waiting');
    equal(this.governor.inFlight, inFlight);
    equal(this.governor.waiting, waiting.length);
    ok(inFlight <= this.cap);
    const sendable = waiting.filter(({ askedAt }) => this.clock.now() - askedAt < 800);
    if (inFlight < this.cap) equal(sendable.length, 0, 'a free place and one that could take it');
    for (const { askedAt } of waiting) ok(this.clock.now() - askedAt < 2000);
  }
}

const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .constantFrom(null, 'w1', 'w1', 'w1', 'w2')
      .map((worker) => ({ kind: 'ask' as const, worker })),
  },
  { weight: 4, arbitrary: fc.nat(30).map((who) => ({ kind: 'done' as const, who })) },
  fc.nat(30).map((who) => ({ kind: 'withdraw' as const, who })),
  fc
    .constantFrom(1, 1, 1, 50, 100, 200, 799, 800, 1200)
    .map((ms) => ({ kind: 'wait' as const, ms })),
);

t.test(
  'never above the cap, no free place while one could be sent, all heard in time',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.array(step, { size: 'max', maxLength: 80 }),
        (cap, steps) => {
          const scene = new Scene(cap);
          for (const step of steps) {
            if (step.kind === 'ask') scene.ask(step.worker);
            if (step.kind === 'wait') scene.clock.advance(step.ms);
            if (step.kind === 'done' || step.kind === 'withdraw') {
              const some = scene.in(step.kind === 'done' ? 'in flight' : 'waiting');
              const fetch = some[step.who % Math.max(1, some.length)];
              if (fetch !== undefined) scene[step.kind](fetch);
            }
            scene.look();
          }
          scene.clock.advance(2000);
          for (const fetch of scene.in('in flight')) scene.done(fetch);
          scene.look();
          equal(scene.in('over').length, scene.fetches.length);
          equal(scene.clock.timers, 0);
        },
      ),
      { numRuns: 500 },
    );
  },
);
