// Addresses in networks: IPv4 within IPv6 is IPv4, zones do not count, and what is no address is in none.

import t from 'tap';
import { AddressList, canonicalAddress } from '../../src/base/address-list.ts';

t.test('an IPv4 address that is written as IPv6 is its IPv4 address', async (t) => {
  t.equal(canonicalAddress('::ffff:10.0.0.5'), '10.0.0.5');
  t.equal(canonicalAddress('::FFFF:10.0.0.5'), '10.0.0.5');
  t.equal(canonicalAddress('2001:DB8:0:0::1'), '2001:db8::1');
  for (const other of ['10.0.0.5', '::1', 'fd00::ffff:a00:5', 'fe80::1%lo', '']) {
    t.equal(canonicalAddress(other), other);
  }
});

t.test(
  'a network holds its first and its last address, and not the ones beside them',
  async (t) => {
    const list = new AddressList([
      { address: '10.1.0.0', prefix: 16 },
      { address: 'fd00::', prefix: 8 },
      { address: '192.168.1.5', prefix: 32 },
    ]);
    for (const address of [
      '10.1.0.0',
      '10.1.255.255',
      '::ffff:10.1.2.3',
      'fd00::',
      'fdff::1',
      'fd00::1%eth0',
      '192.168.1.5',
    ]) {
      t.ok(list.has(address), address);
    }
    for (const address of [
      '10.0.255.255',
      '10.2.0.0',
      'fc00::',
      'fe00::',
      '192.168.1.4',
      '::1',
      '',
      'x',
      '/tmp/socket',
    ]) {
      t.notOk(list.has(address), address);
    }
  },
);

t.test('all of IPv6 holds no IPv4 address, nor the reverse', async (t) => {
  const six = new AddressList([{ address: '::', prefix: 0 }]);
  const four = new AddressList([{ address: '0.0.0.0', prefix: 0 }]);
  for (const address of ['10.0.0.5', '::ffff:10.0.0.5']) {
    t.notOk(six.has(address), address);
    t.ok(four.has(address), address);
  }
  t.ok(six.has('fd00::1'));
  t.notOk(four.has('fd00::1'));
});

t.test('an empty list holds nothing', async (t) => {
  const list = new AddressList([]);
  t.ok(list.isEmpty);
  t.notOk(list.has('10.0.0.5'));
});
