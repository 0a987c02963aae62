// Jobs, counted from the replies that clients read: in one piece of the bouncer, and through all of it.

import t, { type Test } from 'tap';
import { Command, type ReplySink } from '../../../src/protocol/command.ts';
import { NIL, OK } from '../../../src/protocol/replies.ts';
import type { Verb } from '../../../src/protocol/verbs.ts';
import { JobCounts, type JobSeries } from '../../../src/observe/jobs/job-counts.ts';
import { JobWatch } from '../../../src/observe/jobs/job-watch.ts';
import { openHouse } from '../../session/house.ts';
import { StatsdReceiver } from '../../support/statsd-receiver.ts';

const SINK: ReplySink = { onReply: () => {}, onLost: () => {} };

function bulk(value: unknown): Buffer {
  const json = JSON.stringify(value);
  return Buffer.from(`$${Buffer.byteLength(json)}\r\n${json}\r\n`);
}

function watching(runningMax = 10) {
  const counts = new JobCounts(10);
  const bugs: unknown[] = [];
  const watch = new JobWatch({
    counts,
    keepsRecent: true,
    onBug: (error) => bugs.push(error),
    runningMax,
  });
  const answer = (verb: Verb, argument: unknown, reply: Buffer, now = 0): void => {
    const line = Buffer.from(`${verb} ${JSON.stringify(argument)}\r\n`);
    watch.answered(new Command(verb, line, now, SINK), reply, now);
  };
  const find = (queue: string): JobSeries | undefined =>
    [...counts].find((series) => series.queue === queue);
  return { counts, watch, answer, find, bugs };
}

const JOB = { jid: 'job-00000001', queue: 'low', jobtype: 'mail', args: [1] };

t.test(
  'a job counts once it is stored, handed out and done, and its run time with it',
  async (t) => {
    const { answer, find, watch } = watching();
    answer('PUSH', JOB, OK);
    answer('FETCH', 'low', bulk(JOB), 1000);
    t.equal(watch.running, 1);
    answer('ACK', { jid: JOB.jid }, OK, 3500);
    t.equal(watch.running, 0);
    t.match(find('low'), { jobtype: 'mail', pushed: 1, fetched: 1, acknowledged: 1, failed: 0 });
    t.equal(find('low')?.runTime.sumSeconds, 2.5);
    t.strictSame(watch.takeRecent(), [{ queue: 'low', jobtype: 'mail', ms: 2500 }]);
    t.strictSame(watch.takeRecent(), []);
  },
);

t.test('a job that failed has no run time', async (t) => {
  const { answer, find } = watching();
  answer('FETCH', 'low', bulk(JOB));
  answer('FAIL', { jid: JOB.jid, errtype: 'x' }, OK, 10);
  t.match(find('low'), { fetched: 1, acknowledged: 0, failed: 1, runTime: { sumSeconds: 0 } });
});

t.test('what was refused, or brought no job, does not count', async (t) => {
  const { answer, counts } = watching();
  answer('PUSH', JOB, Buffer.from('-ERR no\r\n'));
  answer('PUSHB', [JOB], Buffer.from('-ERR no\r\n'));
  answer('FETCH', 'low', NIL);
  answer('ACK', { jid: 'x' }, Buffer.from('-ERR no\r\n'));
  answer('INFO', {}, bulk({}));
  t.strictSame(
    [...counts].map(({ queue }) => queue),
    ['unknown'],
  );
});

t.test('of a PUSHB the jobs count that the answer does not name', async (t) => {
  const { answer, find, bugs } = watching();
  const jobs = [JOB, { ...JOB, jid: 'job-00000002' }, { jid: 'job-00000003', jobtype: 'a' }];
  answer('PUSHB', jobs, bulk({ 'job-00000002': 'no' }));
  t.match(find('low'), { pushed: 1 });
  t.match(find('default'), { pushed: 1, jobtype: 'a' }, 'a job without a queue is in default');
  answer('PUSHB', jobs, Buffer.from('$5\r\nabcde\r\n'));
  t.match(find('low'), { pushed: 1 });
  t.strictSame(bugs, []);
});

t.test('so many jobs are remembered and no more, and the oldest is forgotten', async (t) => {
  const { answer, counts, watch, find } = watching(2);
  for (const jid of ['job-1', 'job-2', 'job-3']) answer('FETCH', 'low', bulk({ ...JOB, jid }));
  t.equal(watch.running, 2);
  t.equal(counts.forgotten, 1);
  answer('ACK', { jid: 'job-1' }, OK);
  t.match(find('unknown'), { acknowledged: 1 });
  answer('ACK', { jid: 'job-3' }, OK);
  t.match(find('low'), { acknowledged: 1 });
  answer('FETCH', 'low', bulk({ ...JOB, jid: 'job-4' }));
  t.equal(watch.running, 2, 'one has left');
  t.equal(counts.forgotten, 1);
});

t.test('a defect is reported and reaches no client', async (t) => {
  const { watch, bugs } = watching();
  const broken = { verb: 'PUSH' } as Command;
  watch.answered(broken, OK, 0);
  t.equal(bugs.length, 1);
});

/** One job is done and one fails, through a bouncer. */
async function doJobs(t: Test, mode: 'session' | 'pooled'): Promise<void> {
  const receiver = await StatsdReceiver.start(t);
  const { bouncer, connect } = await openHouse(t, {
    mode,
    'metrics.jobs': 'on',
    'statsd.url': receiver.url,
    'statsd.legacy_names': 'enterprise',
  });
  const producer = await connect();
  const worker = await connect({ wid: 'w1' });
  for (const jid of ['job-00000001', 'job-00000002']) {
    await producer.command(`PUSH ${JSON.stringify({ ...JOB, jid })}`);
    const fetched = await worker.command('FETCH low');
    t.match(fetched, { kind: 'bulk' });
    const verb = jid.endsWith('1') ? 'ACK' : 'FAIL';
    await worker.command(`${verb} ${JSON.stringify({ jid, errtype: 'E', message: 'm' })}`);
  }
  await producer.command(`PUSHB ${JSON.stringify([{ ...JOB, jid: 'job-00000003' }])}`);
  const found = await bouncer.metrics();
  const value = (name: string): number | undefined =>
    found.get(`${name}{queue="low",jobtype="mail"}`);
  t.equal(value('jobs_pushed_total'), 3);
  t.equal(value('jobs_fetched_total'), 2);
  t.equal(value('jobs_acknowledged_total'), 1);
  t.equal(value('jobs_failed_total'), 1);
  t.equal(value('job_run_seconds_count'), 1);
  await bouncer.drain();
  t.match(await receiver.line('faktory.jobs.count', 'queue:low'), { value: 2, type: 'c' });
  t.match(await receiver.line('faktory.jobs.failed', 'jobtype:mail'), { value: 1 });
  t.match(await receiver.line('faktory.jobs.perform', 'queue:low'), { type: 'ms' });
  t.match(await receiver.line('faktory_bouncer.jobs_pushed_total', 'queue:low'), { value: 3 });
}

for (const mode of ['session', 'pooled'] as const) {
  t.test(`jobs are counted in ${mode} mode, for Prometheus and for statsd`, (t) => doJobs(t, mode));
}
