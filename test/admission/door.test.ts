// Rates: a bucket of tokens as one instant, for a bounded number of keys, and the door that uses them.

import t from 'tap';
import { FailedLogins } from '../../src/admission/failed-logins.ts';
import { Door, type DoorSettings } from '../../src/admission/door.ts';
import { afterToken, BURST_MS, RateTable } from '../../src/admission/rate-table.ts';
import { AddressList } from '../../src/base/address-list.ts';
import { Live } from '../../src/base/live.ts';

t.test('a bucket gives five seconds of its rate at once, and then its rate', async (t) => {
  for (const perSecond of [1, 4, 1000]) {
    const table = new RateTable(10);
    let now = 1000;
    const takeAll = (): number => {
      let taken = 0;
      while (table.take('a', now, perSecond)) taken += 1;
      return taken;
    };
    t.equal(takeAll(), (BURST_MS / 1000) * perSecond);
    for (let second = 0; second < 20; second += 1) {
      t.equal(table.has('a', now, perSecond), false);
      now += 1000;
      t.equal(takeAll(), perSecond, `second ${second}`);
    }
    now += 60_000;
    t.equal(takeAll(), (BURST_MS / 1000) * perSecond, 'it is full again, and not more than full');
  }
});

t.test(
  'a refused token costs nothing, and a rate below one in five seconds gives one',
  async (t) => {
    t.equal(afterToken(1000, 1000, 0.1), 11_000);
    t.equal(afterToken(11_000, 1000, 0.1), null);
    t.equal(afterToken(11_000, 10_999, 0.1), null);
    t.equal(afterToken(11_000, 11_000, 0.1), 21_000);
  },
);

t.test('n keys are remembered; the one used longest ago makes room for n + 1', async (t) => {
  const table = new RateTable(3);
  const takeFive = (key: string): boolean[] => [1, 2, 3, 4, 5, 6].map(() => table.take(key, 0, 1));
  for (const key of ['a', 'b', 'c'])
    t.strictSame(takeFive(key), [true, true, true, true, true, false]);
  t.equal(table.take('a', 1000, 1), true, 'now b is the one used longest ago');
  table.take('d', 1000, 1);
  t.equal(table.size, 3);
  t.equal(table.take('a', 1000, 1), false, 'a is remembered');
  t.equal(table.take('c', 1000, 1), true);
  t.equal(table.take('c', 1000, 1), false, 'c too');
  t.strictSame(takeFive('b').filter(Boolean).length, 5, 'b is forgotten');
  t.equal(table.size, 3);
});

const NONE = new AddressList([]);
const RATES: DoorSettings = {
  allow: NONE,
  deny: NONE,
  connectionRate: 'block',
  workerConnections: 1,
  addressConnections: 2,
};

t.test(
  'the door refuses the connection over the rate of its address, and of its worker',
  async (t) => {
    const door = new Door(new Live(RATES));
    for (let i = 0; i < 10; i += 1) t.equal(door.arrive('10.0.0.5', 0).kind, 'entered');
    t.strictSame(door.arrive('10.0.0.5', 0), {
      kind: 'refused',
      refusal: { reason: 'connection_rate', of: 'address', limit: 2 },
    });
    t.equal(door.arrive('10.0.0.6', 0).kind, 'entered', 'another address is not affected');
    t.equal(
      door.arrive('10.0.0.5', 500).kind,
      'entered',
      'half a second later there is room for one',
    );
    for (let i = 0; i < 5; i += 1) t.equal(door.introduce('w1', 0).kind, 'entered');
    t.strictSame(door.introduce('w1', 0), {
      kind: 'refused',
      refusal: { reason: 'connection_rate', of: 'worker', limit: 1 },
    });
    for (let i = 0; i < 100; i += 1) t.equal(door.introduce('', 0).kind, 'entered', 'producers');
  },
);

t.test('log lets in and tells; off, and a limit of 0, know nothing', async (t) => {
  const live = new Live<DoorSettings>({ ...RATES, connectionRate: 'log' });
  const door = new Door(live);
  for (let i = 0; i < 5; i += 1) door.introduce('w1', 0);
  const refusal = { reason: 'connection_rate', of: 'worker', limit: 1 };
  t.strictSame(door.introduce('w1', 0), { kind: 'entered', inSpiteOf: refusal });
  for (const change of [
    { connectionRate: 'off' },
    { workerConnections: 0, addressConnections: 0 },
  ] as const) {
    live.replace({ ...RATES, ...change });
    for (let i = 0; i < 100; i += 1) {
      t.strictSame(door.introduce('w1', 0), { kind: 'entered', inSpiteOf: null });
      t.strictSame(door.arrive('10.0.0.5', 0), { kind: 'entered', inSpiteOf: null });
    }
  }
});

t.test('deny goes before allow, and an empty allow list lets all others in', async (t) => {
  const ten = new AddressList([{ address: '10.0.0.0', prefix: 8 }]);
  const one = new AddressList([{ address: '10.0.0.5', prefix: 32 }]);
  const entersWith = (lists: Partial<DoorSettings>, address: string): boolean =>
    new Door(new Live({ ...RATES, ...lists })).arrive(address, 0).kind === 'entered';
  t.ok(entersWith({}, '192.168.1.5'));
  t.ok(entersWith({ allow: ten }, '10.1.2.3'));
  t.ok(entersWith({ allow: ten }, '::ffff:10.1.2.3'));
  t.notOk(entersWith({ allow: ten }, '11.1.2.3'));
  t.notOk(entersWith({ allow: ten }, ''), 'an address that is not known');
  t.notOk(entersWith({ deny: one }, '10.0.0.5'));
  t.ok(entersWith({ deny: one }, '10.0.0.6'));
  t.notOk(entersWith({ allow: ten, deny: one }, '::ffff:10.0.0.5'));
  t.ok(entersWith({ allow: ten, deny: one }, '10.0.0.6'));
});

t.test('a refused address takes no token of its rate', async (t) => {
  const settings = new Live<DoorSettings>({
    ...RATES,
    deny: new AddressList([{ address: '10.0.0.5', prefix: 32 }]),
  });
  const door = new Door(settings);
  for (let i = 0; i < 100; i += 1) {
    t.strictSame(door.arrive('10.0.0.5', 0), {
      kind: 'refused',
      refusal: { reason: 'address_denied' },
    });
  }
  settings.replace(RATES);
  t.equal(door.arrive('10.0.0.5', 0).kind, 'entered');
});

t.test('an address is slowed after ten failures at once, and not for long', async (t) => {
  const logins = new FailedLogins();
  for (let i = 0; i < 10; i += 1) {
    t.notOk(logins.isSlowed('10.0.0.5', 0));
    logins.failed('10.0.0.5', 0);
  }
  t.ok(logins.isSlowed('10.0.0.5', 0));
  t.notOk(logins.isSlowed('10.0.0.6', 0));
  t.ok(logins.isSlowed('10.0.0.5', 499));
  t.notOk(logins.isSlowed('10.0.0.5', 500), 'one more in half a second');
});
