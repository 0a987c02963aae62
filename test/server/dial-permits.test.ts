// Dials that rest on a lease of a shared limit.

import t from 'tap';
import { DialPermits } from '../../src/server/dial-permits.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { leaseOf } from './support/lease.ts';

t.test('without a lease everything is permitted, and nothing is kept', async (t) => {
  const permits = new DialPermits(new FakeClock());
  for (let i = 0; i < 10; i += 1) t.equal(permits.take().mayGoOn, true);
  t.equal(permits.mayDial, true);
  t.equal(permits.used, 0);
  t.equal(permits.opened(), 0);
});

t.test('there are as many dials as places; one more when one is over', async (t) => {
  const permits = new DialPermits(new FakeClock());
  let woken = 0;
  permits.onRoom(() => {
    woken += 1;
  });
  permits.restOn(leaseOf(2));
  const first = permits.take();
  t.equal(permits.mayDial, true);
  permits.take();
  t.equal(permits.mayDial, false);
  first.release(false);
  t.equal(permits.mayDial, true);
  t.equal(woken, 1);
  first.release(false);
  t.equal(permits.used, 1, 'each is over once');
});

t.test('one that Faktory may not have given up yet counts a little longer', async (t) => {
  const clock = new FakeClock();
  const permits = new DialPermits(clock);
  permits.restOn(leaseOf(1));
  permits.take().release(true);
  t.equal(permits.mayDial, false);
  clock.advance(500);
  t.equal(permits.mayDial, true);
});

t.test('a dial goes on to HELLO only if its place is still there', async (t) => {
  const permits = new DialPermits(new FakeClock());
  const lease = leaseOf(2);
  permits.restOn(lease);
  permits.take();
  const second = permits.take();
  t.equal(second.mayGoOn, true);
  lease.places = 1;
  t.equal(second.mayGoOn, false);
});
