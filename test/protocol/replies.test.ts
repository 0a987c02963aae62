// What whole replies say, the job in FETCH's, and the texts of our own.

import * as fc from 'fast-check';
import t from 'tap';
import { GUARD_RULES } from '../../src/protocol/guard.ts';
import * as texts from '../../src/protocol/error-texts.ts';
import { giveBackLine, parseFetchedJob } from '../../src/protocol/job.ts';
import { bulkBody, isError, isNil, isShutdown, NIL } from '../../src/protocol/replies.ts';

function bulk(body: string): Buffer {
  return Buffer.from(`$${Buffer.byteLength(body)}\r\n${body}\r\n`);
}

t.test('each question about a reply is answered by the bytes that mean it only', async (t) => {
  const rows = [
    [NIL.toString(), { nil: true, error: false, shutdown: false, body: null }],
    ['+OK\r\n', { nil: false, error: false, shutdown: false, body: null }],
    [':-1\r\n', { nil: false, error: false, shutdown: false, body: null }],
    ['+-x\r\n', { nil: false, error: false, shutdown: false, body: null }],
    ['$0\r\n\r\n', { nil: false, error: false, shutdown: false, body: '' }],
    ['$4\r\na\r\nb\r\n', { nil: false, error: false, shutdown: false, body: 'a\r\nb' }],
    ['-ERR no\r\n', { nil: false, error: true, shutdown: false, body: null }],
    ['-ERR shutdown in progress\r\n', { nil: false, error: true, shutdown: true, body: null }],
    ['-ERR shutdown in progre\r\n', { nil: false, error: true, shutdown: false, body: null }],
    [
      '$25\r\n-ERR shutdown in progress\r\n',
      { nil: false, error: false, shutdown: false, body: '-ERR shutdown in progress' },
    ],
  ] as const;
  for (const [text, expected] of rows) {
    const reply = Buffer.from(text);
    t.strictSame(
      {
        nil: isNil(reply),
        error: isError(reply),
        shutdown: isShutdown(reply),
        body: bulkBody(reply)?.toString() ?? null,
      },
      expected,
      JSON.stringify(text),
    );
  }
});

t.test('a job that fails meets the fate that Faktory 1.7 has for its tries', async (t) => {
  for (const [fields, fate] of [
    ['', 'retry'],
    [',"retry":null', 'retry'],
    [',"retry":25', 'retry'],
    [',"retry":0', 'discarded'],
    [',"retry":0,"failure":{"retry_count":3}', 'discarded'],
    [',"retry":-1', 'dead'],
    [',"retry":1', 'retry'],
    [',"retry":1,"failure":null', 'retry'],
    [',"retry":1,"failure":{"retry_count":0}', 'dead'],
    [',"retry":2,"failure":{"retry_count":0}', 'retry'],
    [',"retry":2,"failure":{"retry_count":1}', 'dead'],
    [',"failure":{"retry_count":23}', 'retry'],
    [',"failure":{"retry_count":24}', 'dead'],
  ] as const) {
    const reply = bulk(`{"jid":"j1","queue":"q","jobtype":"x"${fields}}`);
    t.strictSame(
      parseFetchedJob(reply),
      { jid: 'j1', queue: 'q', fateOnFailure: fate, reservedForMs: 1_800_000, reply },
      fields === '' ? 'no retry' : fields,
    );
  }
});

t.test('a job is reserved for as long as Faktory 1.7 reserves it', async (t) => {
  for (const [value, seconds] of [
    ['0', 1800],
    ['null', 1800],
    ['1', 60],
    ['-5', 60],
    ['61', 61],
    ['86400', 86_400],
    ['1e9', 86_400],
  ] as const) {
    const job = parseFetchedJob(bulk(`{"jid":"j1","queue":"q","reserve_for":${value}}`));
    t.equal(job?.reservedForMs, seconds * 1000, value);
  }
});

t.test('a reply without a job that could be given back holds none', async (t) => {
  for (const reply of [
    NIL,
    Buffer.from('+OK\r\n'),
    Buffer.from('-ERR no\r\n'),
    bulk(''),
    bulk('no json'),
    bulk('[]'),
    bulk('null'),
    bulk('{"jid":"j1"}'),
    bulk('{"jid":5,"queue":"q"}'),
  ]) {
    t.equal(parseFetchedJob(reply), null, JSON.stringify(reply.toString()));
  }
});

t.test('the line that gives a job back is one FAIL with its jid, whatever that holds', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (jid) => {
      const job = { jid, queue: 'q', fateOnFailure: 'retry', reservedForMs: 60_000 } as const;
      const line = giveBackLine(job);
      const payload = JSON.parse(line.slice('FAIL '.length)) as Record<string, unknown>;
      return (
        /^FAIL \{[ -\u{10ffff}]*\}\r\n$/u.test(line) &&
        payload['jid'] === jid &&
        payload['errtype'] === 'ClientGone'
      );
    }),
  );
});

const { LIMIT_REASONS } = texts;

t.test(
  'a refusal starts with Faktory 1.9\u2019s words and names the limit and both numbers',
  async (t) => {
    for (const reason of LIMIT_REASONS) {
      const text = texts.refusalText({ reason, now: 901, limit: 900 }).toString();
      t.match(
        text,
        /^-ERR too many connections: 901 \(limit 900, [a-z._]+ of faktory-bouncer\)/,
        reason,
      );
    }
    const different = new Set(
      LIMIT_REASONS.map((reason) => texts.refusalText({ reason, now: 1, limit: 1 }).toString()),
    );
    t.equal(different.size, LIMIT_REASONS.length);
  },
);

t.test('every text that a client can read is one line of -ERR and plain ASCII', async (t) => {
  const all = [
    ...LIMIT_REASONS.map((reason) => texts.refusalText({ reason, now: 0, limit: 0 })),
    texts.UNREACHABLE,
    texts.refusalText({ reason: 'unreachable', because: 'outage' }),
    texts.refusalText({ reason: 'unreachable', because: 'login' }),
    texts.refusalText({ reason: 'unreachable', because: 'tls' }),
    texts.refusalText({ reason: 'unreachable', because: 'slow' }),
    texts.refusalText({ reason: 'draining' }),
    texts.refusalText({ reason: 'address_denied' }),
    texts.refusalText({ reason: 'connection_rate', of: 'worker', limit: 1 }),
    texts.refusalText({ reason: 'connection_rate', of: 'address', limit: 1 }),
    texts.INVALID_PASSWORD,
    texts.commandTooLong(1024),
    ...GUARD_RULES.filter((rule) => rule !== 'command_too_long').map(texts.guardText),
  ];
  for (const text of all) t.match(text.toString('latin1'), /^-ERR [ -~]+\r\n$/);
  t.equal(texts.INVALID_PASSWORD.toString(), '-ERR Invalid password\r\n');
  t.match(texts.commandTooLong(1024).toString(), /limit 1024 bytes/);
});
