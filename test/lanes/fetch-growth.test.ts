// When one worker's FETCHes get another server connection, and which one it gives up.

import t from 'tap';
import { giveUp, growth, type GrowthFacts } from '../../src/lanes/fetch-growth.ts';

const FACTS: GrowthFacts = {
  reason: 'no_fetch',
  wanted: 1,
  connections: 1,
  open: 1,
  limit: 8,
  hasFetchRoom: true,
  isSlow: false,
};

t.test('the first is dialled whatever else is so', async (t) => {
  const facts = { ...FACTS, connections: 0, open: 0, hasFetchRoom: false };
  t.same(growth(facts), { kind: 'dial', reason: 'no_fetch', count: 1 });
});

t.test('n connections are the most, and one more again when one has ended', async (t) => {
  const full = { ...FACTS, connections: 8, open: 8 };
  t.same(growth(full), { kind: 'stay', reason: 'at_limit' });
  t.match(growth({ ...full, connections: 7, open: 7 }), { kind: 'dial', count: 1 });
  t.match(growth({ ...full, wanted: 9, connections: 5, open: 5 }), { kind: 'dial', count: 3 });
});

t.test('none is dialled for a FETCH that could not be at Faktory', async (t) => {
  t.same(growth({ ...FACTS, hasFetchRoom: false }), { kind: 'stay', reason: 'no_fetch_room' });
});

t.test('sets without a FETCH: as many at a time as are open', async (t) => {
  const facts = { ...FACTS, wanted: 60, limit: 800 };
  t.match(growth(facts), { kind: 'dial', count: 1 });
  t.match(growth({ ...facts, connections: 4, open: 4 }), { kind: 'dial', count: 4 });
  t.match(growth({ ...facts, connections: 7, open: 4 }), { kind: 'dial', count: 1 });
  t.same(growth({ ...facts, connections: 8, open: 4 }), { kind: 'stay', reason: 'opening' });
  t.match(growth({ ...facts, wanted: 2, connections: 40, open: 40 }), { count: 2 });
  t.same(growth({ ...facts, open: 0 }), { kind: 'stay', reason: 'opening' }, 'Faktory is away');
});

t.test('jobs that flow: one at a time, more where dialling one by one takes long', async (t) => {
  const facts = { ...FACTS, reason: 'jobs_flow', wanted: 7, connections: 3, open: 3 } as const;
  t.match(growth(facts), { kind: 'dial', reason: 'jobs_flow', count: 1 });
  t.same(growth({ ...facts, connections: 4 }), { kind: 'stay', reason: 'opening' });
  t.match(growth({ ...facts, isSlow: true }), { kind: 'dial', count: 3 });
});

t.test(
  'the one that is given up is not busy, if there is such a one, and never the first',
  async (t) => {
    const first = { isFirst: true, yields: false, isBusy: false };
    const busy = { isFirst: false, yields: false, isBusy: true };
    const idle = { isFirst: false, yields: false, isBusy: false };
    const leaving = { isFirst: false, yields: true, isBusy: true };
    t.same(giveUp([first]), { kind: 'none', reason: 'none_to_spare' });
    t.same(giveUp([first, leaving]), { kind: 'none', reason: 'none_to_spare' });
    t.same(giveUp([first, busy, idle]), { kind: 'close', reason: 'not_busy', server: idle });
    t.same(giveUp([leaving, busy]), { kind: 'close_after_reply', reason: 'busy', server: busy });
  },
);
