// Who dials when: 64 at a time, one at a time after a failure, the bouncer's own connection first.

import t from 'tap';
import { DialPermits } from '../../src/server/dial-permits.ts';
import { Dialler, type Dialable } from '../../src/server/dialler.ts';
import { ServerCounts } from '../../src/server/server-counts.ts';
import { FakeClock } from '../support/fake-clock.ts';

const MOST = 64;

interface House {
  readonly clock: FakeClock;
  readonly counts: ServerCounts;
  readonly dialler: Dialler;
  readonly dialled: string[];
  readonly named: (name: string) => Dialable;
}

function house(): House {
  const clock = new FakeClock();
  const counts = new ServerCounts();
  const dialled: string[] = [];
  return {
    clock,
    counts,
    dialler: new Dialler({ clock, random: () => 0.999, counts, permits: new DialPermits(clock) }),
    dialled,
    named: (name) => ({ dial: () => dialled.push(name) }),
  };
}

t.test('so many dial at a time, the next when one is through', async (t) => {
  const { dialler, dialled, named } = house();
  const all = Array.from({ length: MOST + 2 }, (_, n) => named(`${n}`));
  for (const one of all) dialler.request(one, 'first');
  t.equal(dialled.length, MOST);
  dialler.succeeded(all[0] as Dialable);
  t.equal(dialled.length, MOST + 1);
  dialler.abandoned(all[1] as Dialable);
  t.equal(dialled.length, MOST + 2);
});

t.test('after a failure one tries for all, after a wait that grows', async (t) => {
  const { clock, dialler, dialled, named } = house();
  const [a, b, c] = [named('a'), named('b'), named('c')];
  dialler.request(a, 'first');
  dialler.failed(a);
  dialler.request(b, 'first');
  dialler.request(c, 'first');
  t.strictSame(dialled, ['a']);
  clock.advance(50);
  t.strictSame(dialled, ['a', 'b']);
  dialler.failed(b);
  clock.advance(50);
  t.strictSame(dialled, ['a', 'b']);
  clock.advance(50);
  t.strictSame(dialled, ['a', 'b', 'c']);
  dialler.request(a, 'redial');
  dialler.request(b, 'redial');
  t.strictSame(dialled, ['a', 'b', 'c']);
  dialler.succeeded(c);
  t.strictSame(dialled, ['a', 'b', 'c', 'a', 'b'], 'and all, once one was through');
});

t.test(
  'where something is wrong though dials succeed, the next one waits all the same',
  async (t) => {
    const { clock, counts, dialler, dialled, named } = house();
    const [a, b] = [named('a'), named('b')];
    for (const one of [a, b]) {
      dialler.request(one, 'first');
      clock.advance(50);
      dialler.succeeded(one);
      dialler.hold();
    }
    dialler.request(named('c'), 'first');
    clock.advance(49);
    t.strictSame(dialled, ['a', 'b']);
    clock.advance(1);
    t.strictSame(dialled, ['a', 'b', 'c']);
    t.equal(counts.dials.values.failed, 0);
  },
);

t.test("the bouncer's own connection goes first", async (t) => {
  const { clock, dialler, dialled, named } = house();
  const failing = named('a');
  dialler.request(failing, 'first');
  dialler.failed(failing);
  dialler.request(named('b'), 'first');
  dialler.request(named('own'), 'control');
  clock.advance(50);
  t.strictSame(dialled, ['a', 'own']);
});

t.test('one that leaves before its turn is not dialled', async (t) => {
  const { clock, dialler, dialled, named } = house();
  const a = named('a');
  dialler.request(a, 'first');
  dialler.failed(a);
  dialler.request(named('b'), 'first').leave();
  dialler.request(named('c'), 'first');
  clock.advance(50);
  t.strictSame(dialled, ['a', 'c']);
});

t.test(
  'without a permit only the own connection dials; the others when there is one',
  async (t) => {
    const clock = new FakeClock();
    const permits = new DialPermits(clock);
    let places = 0;
    permits.restOn({
      mayDial: (used) => used < places,
      opened: () => 0,
      answered: () => 0,
      closed: () => {},
      ownOpened: () => {},
      ownLost: () => {},
    });
    const dialler = new Dialler({ clock, random: () => 0, counts: new ServerCounts(), permits });
    const dialled: string[] = [];
    const named = (name: string): Dialable => ({
      dial: () => {
        dialled.push(name);
        if (name !== 'own') permits.take();
      },
    });
    dialler.request(named('one'), 'first');
    dialler.request(named('two'), 'first');
    dialler.request(named('own'), 'control');
    t.strictSame(dialled, ['own']);
    places = 1;
    permits.changed();
    t.strictSame(dialled, ['own', 'one']);
    places = 2;
    permits.changed();
    t.strictSame(dialled, ['own', 'one', 'two']);
  },
);
