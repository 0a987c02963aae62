// How long a quick command takes, as the fetch lane sees it.

import t from 'tap';
import { CommandTime } from '../../src/lanes/command-time.ts';

t.test('what was measured is remembered for 5 s', async (t) => {
  let measured: number | null = null;
  const time = new CommandTime(() => measured);
  t.equal(time.ms(0), 0, 'nothing is known');
  measured = 40;
  t.equal(time.ms(1000), 40);
  measured = null;
  t.equal(time.ms(5999), 40);
  t.equal(time.ms(6000), 0);
  measured = 2;
  t.equal(time.ms(6001), 2);
});
