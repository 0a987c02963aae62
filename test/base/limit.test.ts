// The effective limit, and who is woken.

import t from 'tap';
import { Limit } from '../../src/base/limit.ts';

t.test('the value is the smallest of what the sources allow', async (t) => {
  const limit = new Limit(900);
  t.equal(limit.value, 900);
  limit.set('leased', 300);
  t.equal(limit.value, 300);
  limit.set('adapted', 100);
  t.equal(limit.value, 100);
  limit.set('adapted', Infinity);
  t.equal(limit.value, 300);
  limit.set('configured', 200);
  t.equal(limit.value, 200);
});

t.test('n - 1 have room, n have none, and one has room again when one has left', async (t) => {
  const limit = new Limit(3);
  t.ok(limit.hasRoom(2));
  t.notOk(limit.hasRoom(3));
  t.ok(limit.hasRoom(2));
});

t.test('raising wakes, lowering and setting the same do not', async (t) => {
  const limit = new Limit(3);
  let woken = 0;
  limit.onRaised(() => (woken += 1));
  limit.set('configured', 3);
  limit.set('configured', 2);
  t.equal(woken, 0);
  limit.set('configured', 4);
  t.equal(woken, 1);
  limit.set('leased', 4);
  limit.set('leased', Infinity);
  t.equal(woken, 1, 'the smallest has not moved');
});

t.test('a pause holds back also what is not enforced, and wakes at its end', async (t) => {
  for (const isEnforced of [true, false]) {
    const limit = new Limit(3, isEnforced);
    let woken = 0;
    limit.onRaised(() => (woken += 1));
    limit.set('paused', 0);
    t.notOk(limit.hasRoom(0));
    limit.set('paused', Infinity);
    t.ok(limit.hasRoom(0));
    t.equal(woken, 1);
  }
});

t.test('not enforced, it has a value and always room; ending that wakes nobody', async (t) => {
  const limit = new Limit(3, false);
  let woken = 0;
  limit.onRaised(() => (woken += 1));
  t.equal(limit.value, 3);
  t.ok(limit.hasRoom(10));
  limit.enforce(true);
  t.notOk(limit.hasRoom(3));
  t.equal(woken, 0);
  limit.enforce(false);
  t.equal(woken, 1);
});

t.test(
  'what is granted is the smaller of configured and leased, whatever else holds',
  async (t) => {
    const limit = new Limit(10);
    limit.set('adapted', 4);
    limit.set('paused', 0);
    t.equal(limit.granted, 10);
    limit.set('leased', 7);
    t.equal(limit.granted, 7);
    limit.set('configured', 5);
    t.equal(limit.granted, 5);
    t.equal(limit.value, 0);
  },
);
