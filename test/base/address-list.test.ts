// Addresses in one spelling, and which ranges hold them.

import t from 'tap';
import { AddressList, canonicalAddress } from '../../src/base/address-list.ts';

t.test('an address has one spelling', async (t) => {
  const spellings = [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['fe80::1%lo', 'fe80::1%lo'],
    ['', ''],
    ['not an address', 'not an address'],
  ] as const;
  for (const [text, spelled] of spellings) t.equal(canonicalAddress(text), spelled, text);
});

t.test('a range holds its addresses, however the system writes them', async (t) => {
  const list = new AddressList([
    { host: '10.0.0.0', prefix: 8, family: 'ipv4' },
    { host: 'fd00::', prefix: 8, family: 'ipv6' },
  ]);
  for (const address of ['10.0.0.0', '10.255.255.255', '::ffff:10.1.2.3', 'fd00::1', 'FDFF::1']) {
    t.equal(list.has(address), true, address);
  }
  for (const address of ['9.255.255.255', '11.0.0.0', '::ffff:11.0.0.0', 'fc00::1', 'fe80::1%lo']) {
    t.equal(list.has(address), false, address);
  }
  for (const address of ['', 'x', '10.0.0.1:80', '10.1'])
    t.equal(list.has(address), false, address);
});

t.test('a range of one family holds no address of the other', async (t) => {
  const ipv6 = new AddressList([{ host: '::', prefix: 0, family: 'ipv6' }]);
  t.equal(ipv6.has('2001:db8::1'), true);
  for (const address of ['10.0.0.1', '::ffff:10.0.0.1']) t.equal(ipv6.has(address), false, address);
  const ipv4 = new AddressList([{ host: '0.0.0.0', prefix: 0, family: 'ipv4' }]);
  t.equal(ipv4.has('::ffff:10.0.0.1'), true);
  t.equal(ipv4.has('2001:db8::1'), false);
});
