// What a holder reports in a round of the fence.

import t from 'tap';
import { FenceWatch } from '../../src/sharing/fence-watch.ts';

/** Its own connection is open, and so many others. */
function watching(others: number): { watch: FenceWatch; trusts: number[] } {
  const watch = new FenceWatch();
  watch.ownOpened();
  const trusts = Array.from({ length: others }, () => watch.opened());
  return { watch, trusts };
}

t.test('the fewest connections since the round began are reported', async (t) => {
  const { watch, trusts } = watching(3);
  t.equal(watch.hears(7, 'arm'), 'arm');
  t.equal(watch.armed, 7);
  watch.closed(trusts[0] ?? 0);
  watch.closed(trusts[1] ?? 0);
  watch.opened();
  t.equal(watch.hears(7, 'sample'), 'ask');
  t.equal(watch.hears(7, 'sample'), 'nothing', 'once');
  t.equal(watch.report, null);
  watch.counted(7, 20);
  t.strictSame(watch.report, { round: 7, least: 2, count: 20 });
});

t.test('what closes between the count and the report counts as closed', async (t) => {
  const { watch, trusts } = watching(2);
  watch.hears(7, 'arm');
  watch.hears(7, 'sample');
  watch.closed(trusts[0] ?? 0);
  watch.counted(7, 20);
  t.equal(watch.report?.least, 2);
});

t.test('a report is told once', async (t) => {
  const { watch } = watching(1);
  watch.hears(7, 'arm');
  watch.hears(7, 'sample');
  watch.counted(7, 2);
  const { report } = watch;
  if (report !== null) watch.told(report);
  t.equal(watch.report, null);
  t.equal(watch.hears(7, 'sample'), 'nothing');
  t.equal(watch.hears(8, 'arm'), 'arm');
});

t.test('one that hears of a round when the others sample takes no part', async (t) => {
  const { watch } = watching(1);
  t.equal(watch.hears(7, 'sample'), 'nothing');
  t.equal(watch.hears(7, 'sample'), 'nothing');
  t.equal(watch.hears(8, 'none'), 'nothing');
});

t.test('where Faktory does not tell its count, nothing is accounted for', async (t) => {
  const { watch } = watching(4);
  watch.hears(7, 'arm');
  watch.hears(7, 'sample');
  watch.counted(7, null);
  t.strictSame(watch.report, { round: 7, least: 0, count: -1 });
});

t.test('where the own connection was lost meanwhile, nothing is accounted for', async (t) => {
  const { watch } = watching(4);
  watch.hears(7, 'arm');
  watch.ownLost();
  watch.ownOpened();
  watch.hears(7, 'sample');
  watch.counted(7, 20);
  t.strictSame(watch.report, { round: 7, least: 0, count: 20 });
});

t.test('older connections than the own one count again once Faktory has answered', async (t) => {
  const { watch, trusts } = watching(3);
  watch.ownLost();
  watch.ownOpened();
  watch.hears(7, 'arm');
  watch.hears(7, 'sample');
  watch.counted(7, 20);
  t.equal(watch.report?.least, 1, 'the own one');
  const trust = watch.answered(trusts[0] ?? 0);
  t.equal(watch.answered(trust), trust);
  watch.hears(8, 'arm');
  watch.closed(trusts[1] ?? 0);
  watch.hears(8, 'sample');
  watch.counted(8, 20);
  t.equal(watch.report?.least, 2, 'one that was not trusted is not missed');
});

t.test('without an own connection none is trusted', async (t) => {
  const watch = new FenceWatch();
  const trust = watch.opened();
  t.equal(trust, 0);
  watch.ownOpened();
  watch.closed(trust);
  watch.hears(7, 'arm');
  watch.hears(7, 'sample');
  watch.counted(7, 20);
  t.equal(watch.report?.least, 1);
});
