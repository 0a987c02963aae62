// Ranges of addresses as operators write them.

import t from 'tap';
import { formatAddressRange, parseAddressRange } from '../../src/config/address-ranges.ts';

t.test('a range reads and writes back as it was', async (t) => {
  const texts = ['10.0.0.5', '10.0.0.0/8', '0.0.0.0/0', '10.0.0.4/30', '::/0', 'fd00::/8'];
  texts.push('2001:db8::1', '2001:db8:0:0:1::/80', '64:ff9b::192.0.2.1');
  for (const text of texts) {
    const range = parseAddressRange(text);
    if ('refused' in range) t.fail(`${text}: ${range.refused}`);
    else t.equal(formatAddressRange(range), text);
  }
});

t.test('a slip is refused, and holds no more than was meant', async (t) => {
  const wrong = [
    ['10.0.0.1/8', /bits behind the prefix/],
    ['fd00::1/8', /bits behind the prefix/],
    ['64:ff9b::192.0.2.1/96', /bits behind the prefix/],
    ['2001:db8::/16', /bits behind the prefix/],
    ['::ffff:10.0.0.0/8', /without ::ffff:/],
    ['::ffff:10.0.0.0/104', /without ::ffff:/],
    ['::ffff:a00:1', /without ::ffff:/],
    ['fe80::1%eth0/64', /write an address/],
    ['fe80::1%eth0', /write an address/],
    ['10.0.0.0/33', /at most 32 bits/],
    ['fd00::/129', /at most 128 bits/],
    ['10.0.0.0/08', /whole number/],
    ['10.0.0.0/', /whole number/],
    ['10.0.0.0/-1', /whole number/],
    ['10.0.0.0/8/8', /write an address/],
    ['10.0.0.0/255.0.0.0', /whole number/],
    ['10.0.0', /write an address/],
    ['010.0.0.0/8', /write an address/],
    ['[::1]', /write an address/],
    ['localhost', /write an address/],
    ['', /write an address/],
  ] as const;
  for (const [text, why] of wrong) {
    const range = parseAddressRange(text);
    t.match('refused' in range ? range.refused : 'read', why, text);
  }
});
