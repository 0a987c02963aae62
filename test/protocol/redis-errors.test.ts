// What error replies of Faktory tell about its Redis. The texts were read from Faktory 1.7.0 with a real
// Redis in each of these states; truth-probe.test.ts asks a real Faktory again.

import t from 'tap';
import { redisTrouble, shortReason, troubleInReply } from '../../src/protocol/redis-errors.ts';

const OOM = "OOM command not allowed when used memory > 'maxmemory'.";
const MISCONF =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.";

t.test('a refusal of Redis is told in its own words, however deep it stands', async (t) => {
  const texts: [string, string][] = [
    [OOM, OOM],
    [MISCONF, MISCONF],
    [`cannot add element in the working set: ${OOM}`, OOM],
    [`cannot get "new" queue: Unable to store queue name: ${OOM}`, OOM],
    [`cannot get "a\\"b" queue: Unable to store queue name: ${MISCONF}`, MISCONF],
  ];
  for (const words of [
    'NOREPLICAS Not enough good replicas to write.',
    "READONLY You can't write against a read only replica.",
    'BUSY Redis is busy running a script.',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
  ]) {
    texts.push([words, words]);
  }
  for (const [text, reason] of texts) {
    t.same(redisTrouble(text), { kind: 'refused', reason }, text);
    t.same(troubleInReply(Buffer.from(`-ERR ${text}\r\n`)), { kind: 'refused', reason }, text);
  }
});

t.test('a Redis that did not answer is silent', async (t) => {
  for (const words of [
    'redis: connection pool timeout',
    'redis: client is closed',
    'context deadline exceeded',
    'i/o timeout',
    'EOF',
    'unexpected EOF',
    'dial unix /var/lib/faktory/redis.sock: connect: connection refused',
    'dial unix /var/lib/faktory/redis.sock: connect: resource temporarily unavailable',
    'read unix @->/var/lib/faktory/redis.sock: read: connection reset by peer',
    'write unix @->/var/lib/faktory/redis.sock: write: broken pipe',
    'dial tcp 127.0.0.1:6379: i/o timeout',
    'LOADING Redis is loading the dataset in memory',
    'ERR max number of clients reached',
  ]) {
    for (const wrapper of ['', 'cannot add element in the working set: ']) {
      const trouble = troubleInReply(Buffer.from(`-ERR ${wrapper}${words}\r\n`));
      t.same(trouble, { kind: 'silent', reason: words }, wrapper + words);
    }
  }
});

t.test('what a client wrote, and Faktory repeats, says nothing about Redis', async (t) => {
  for (const text of [
    `invalid ACK ${OOM}`,
    `invalid FAIL {"jid": ${OOM}`,
    `unknown worker x: ${OOM}`,
    `Job not found ${OOM}`,
    'Job not found EOF',
    'unknown command OOM',
    `invalid timestamp for 'at': "${OOM}": parsing time "${OOM}": cannot parse`,
    `cannot get "x\\" queue: ${OOM}" queue: queue names must match \\A[a-zA-Z0-9._-]+\\z`,
    `cannot get "${OOM}" queue: queue names must match \\A[a-zA-Z0-9._-]+\\z`,
    'cannot get "x" queue: queue name cannot be blank',
    'invalid JSON: unexpected EOF',
    'invalid JSON: unexpected end of JSON input',
    'jobs must have a reasonable jid parameter',
    'shutdown in progress',
    'OOMPH not a code of Redis',
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    'redis: connection pool timeout maybe',
  ]) {
    t.equal(redisTrouble(text), null, text);
    t.equal(troubleInReply(Buffer.from(`-ERR ${text}\r\n`)), null, text);
  }
  for (const reply of ['+OK\r\n', '$-1\r\n', `$${OOM.length}\r\n${OOM}\r\n`, `-${OOM}\r\n`]) {
    t.equal(troubleInReply(Buffer.from(reply)), null, reply);
  }
});

t.test('a reason is one line of at most 200 characters without control characters', async (t) => {
  t.equal(shortReason('a\u0000b\u001b[31m\u007f\u0085c\r\nd'), 'ab[31mc');
  t.equal(shortReason('x'.repeat(201)), 'x'.repeat(200));
  t.equal(shortReason(''), '');
});
