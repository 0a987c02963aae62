// How many places a holder asks for.

import t from 'tap';
import { wantsOf, type Situation } from '../../src/sharing/wants.ts';

function wants(changes: Partial<Situation>): number {
  return wantsOf({
    taken: 0,
    waiting: 0,
    leased: 0,
    share: 100,
    block: 16,
    guaranteed: 0,
    othersWait: 'nothing',
    isOverLimit: false,
    ...changes,
  }).want;
}

t.test('what nobody waits for is a fair share with each', async (t) => {
  t.equal(wants({ taken: 10 }), 100);
  t.equal(wants({ taken: 10, leased: 100 }), 100);
});

t.test('there is room before it is needed, in blocks', async (t) => {
  t.equal(wants({ taken: 104, leased: 112 }), 112);
  t.equal(wants({ taken: 105, leased: 112 }), 128);
  t.equal(wants({ taken: 105, waiting: 30, leased: 112 }), 144);
});

t.test('what comes and goes within a block is kept', async (t) => {
  t.equal(wants({ taken: 110, leased: 144 }), 144);
  t.equal(wants({ taken: 104, leased: 144 }), 112);
});

t.test('what is idle goes to others that wait', async (t) => {
  t.equal(wants({ taken: 40, leased: 100, othersWait: 'idle' }), 40);
  t.equal(wants({ taken: 40, waiting: 2, leased: 40, othersWait: 'idle' }), 42);
});

t.test(
  'one above its share gives up what becomes free, while another below it waits',
  async (t) => {
    t.equal(wants({ taken: 140, waiting: 50, leased: 150, othersWait: 'share' }), 140);
    t.equal(wants({ taken: 40, waiting: 50, leased: 150, othersWait: 'share' }), 100);
    t.equal(wants({ taken: 60, waiting: 50, leased: 60, othersWait: 'share' }), 110);
  },
);

t.test(
  'with small shares blocks are small: the first to come leaves the others theirs',
  async (t) => {
    t.equal(wants({ share: 9 }), 9);
    t.equal(wants({ share: 9, taken: 2 }), 9);
    t.equal(wants({ share: 9, taken: 8, leased: 9 }), 12);
    t.equal(wants({ share: 1, taken: 1, leased: 1 }), 2);
  },
);

t.test('what is guaranteed is kept, since nobody else could have it', async (t) => {
  t.equal(wants({ guaranteed: 5, leased: 9, othersWait: 'idle' }), 5);
  t.equal(wants({ guaranteed: 5, leased: 9, othersWait: 'share' }), 5);
  t.equal(wants({ guaranteed: 5, taken: 7, leased: 9, othersWait: 'idle' }), 7);
});

t.test(
  'what is idle is given back while all hold more than the limit, whoever waits',
  async (t) => {
    t.equal(wants({ taken: 40, waiting: 50, leased: 60, isOverLimit: true }), 40);
    t.equal(wants({ guaranteed: 5, leased: 9, isOverLimit: true }), 5);
  },
);
