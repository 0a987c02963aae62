// Faktory's INFO: a whole value or null.

import t from 'tap';
import { parseFaktoryInfo } from '../../src/server/info.ts';

const ANSWER = {
  now: '2026-11-24T15:00:00Z',
  server_utc_time: '15:00:00 UTC',
  faktory: {
    total_failures: 6,
    total_processed: 500,
    total_enqueued: 42,
    total_queues: 3,
    queues: { default: 40, 'a b': 1, low: 2 },
    tasks: { Busy: { size: 1 }, Scheduled: { size: 7 }, Dead: { size: -1 } },
  },
  server: {
    description: 'Faktory',
    faktory_version: '1.7.0',
    uptime: 3600,
    connections: 12,
    command_count: 1000,
    used_memory_mb: '10 MB',
  },
};

const INFO = {
  version: '1.7.0',
  uptimeSeconds: 3600,
  connections: 12,
  commands: 1000,
  queues: 3,
  queueNames: ['default', 'a b', 'low'],
  enqueued: 42,
  processed: 500,
  failures: 6,
  tasks: { scheduled: 7, retries: null, dead: null },
  queueSizes: new Map([
    ['default', 40],
    ['low', 2],
  ]),
};

t.test('an answer of Faktory is read, as text and as bytes', async (t) => {
  t.strictSame(parseFaktoryInfo(JSON.stringify(ANSWER)), INFO);
  t.strictSame(parseFaktoryInfo(Buffer.from(JSON.stringify(ANSWER))), INFO);
});

t.test('an answer that lacks one number, or has it in the wrong type, is no answer', async (t) => {
  const { server, faktory } = ANSWER;
  for (const key of ['faktory_version', 'uptime', 'connections', 'command_count']) {
    for (const value of [undefined, null, true, [], {}, -1]) {
      const changed = { faktory, server: { ...server, [key]: value } };
      t.equal(parseFaktoryInfo(JSON.stringify(changed)), null, `${key} ${JSON.stringify(value)}`);
    }
  }
  for (const key of ['total_failures', 'total_processed', 'total_enqueued', 'total_queues']) {
    for (const value of [undefined, null, '3', [], {}, -1]) {
      const changed = { server, faktory: { ...faktory, [key]: value } };
      t.equal(parseFaktoryInfo(JSON.stringify(changed)), null, `${key} ${JSON.stringify(value)}`);
    }
  }
});

t.test('whatever is not such an object is null', async (t) => {
  for (const text of ['', '{', 'null', '1', '"x"', '[]', '{}', '{"server":1,"faktory":2}']) {
    t.equal(parseFaktoryInfo(text), null, text);
  }
  t.equal(parseFaktoryInfo(JSON.stringify({ server: ANSWER.server })), null);
  t.equal(parseFaktoryInfo(JSON.stringify({ ...ANSWER, faktory: [] })), null);
  t.equal(parseFaktoryInfo(new Uint8Array([0xff, 0xfe, 0x00])), null);
});

t.test('the sizes of 200 queues are kept, and of no more', async (t) => {
  const queues = Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`q${at}`, at]));
  const answer = { ...ANSWER, faktory: { ...ANSWER.faktory, queues } };
  t.equal(parseFaktoryInfo(JSON.stringify(answer))?.queueSizes.size, 200);
});
