// Which queues and job types have series, and how many there can be.

import t from 'tap';
import { JobCounts } from '../../../src/observe/jobs/job-counts.ts';
import { Largest } from '../../../src/observe/jobs/largest.ts';

const MINUTE_MS = 60_000;

t.test('the first names have labels: so many, and no more', async (t) => {
  const largest = new Largest(2, () => t.fail('none leaves'));
  t.strictSame(
    ['a', 'b', 'c', 'a'].map((name) => largest.see(name)),
    ['a', 'b', 'other', 'a'],
  );
});

t.test('a name that is seen twice as often takes the label of the smallest', async (t) => {
  const left: string[] = [];
  const largest = new Largest(2, (name) => left.push(name));
  const see = (name: string, times: number): void => {
    for (let time = 0; time < times; time += 1) largest.see(name);
  };
  see('a', 10);
  see('b', 4);
  see('c', 8);
  largest.rank();
  t.strictSame(left, [], 'twice is not more than twice');
  see('c', 5);
  largest.rank();
  t.strictSame(left, ['b']);
  t.equal(largest.see('c'), 'c');
  t.equal(largest.see('b'), 'other');
});

t.test('a frequent name gets its label however many rare ones there are', async (t) => {
  const largest = new Largest(1, () => {});
  largest.see('first');
  for (let time = 0; time < 1000; time += 1) {
    largest.see(`rare ${time}`);
    largest.see('frequent');
  }
  largest.rank();
  t.equal(largest.see('frequent'), 'frequent');
});

t.test('a label that is lost takes its series with it, and begins at 0 again', async (t) => {
  const counts = new JobCounts(1);
  counts.of('old', 'mail', 0).pushed += 5;
  for (let time = 0; time < 20; time += 1) counts.of('new', 'mail', 0).pushed += 1;
  t.strictSame(
    [...counts].map(({ queue, pushed }) => [queue, pushed]),
    [
      ['old', 5],
      ['other', 20],
      ['unknown', 0],
    ],
  );
  counts.of('new', 'mail', MINUTE_MS).pushed += 1;
  t.strictSame(
    [...counts].map(({ queue, pushed }) => [queue, pushed]),
    [
      ['other', 20],
      ['new', 1],
      ['unknown', 0],
    ],
  );
});

t.test('no names can make more series than 6 for each label and 2', async (t) => {
  const max = 5;
  const counts = new JobCounts(max);
  let now = 0;
  for (let round = 0; round < 20; round += 1) {
    for (let job = 0; job < 2000; job += 1) {
      counts.of(`q${(job * 7) % (10 + round)}`, `t${(job * 13) % (10 + 3 * round)}`, now).pushed +=
        1;
    }
    now += MINUTE_MS;
    t.ok([...counts].length <= 6 * max + 2, `${[...counts].length} series`);
  }
});

t.test('a name that could not be a label counts as other', async (t) => {
  const counts = new JobCounts(5);
  for (const name of ['', 'a b', 'ü', 'x\n', 'q'.repeat(101)]) {
    t.match(counts.of(name, name, 0), { queue: 'other', jobtype: 'other' });
  }
  t.match(counts.of('q'.repeat(100), 'a::B', 0), { queue: 'q'.repeat(100), jobtype: 'a::B' });
});

t.test('without metrics.jobs there are no series', async (t) => {
  t.strictSame([...new JobCounts(0)], []);
});
