// A conversation that can be had with several servers at once: its jids and queues hold a tag of equal
// length, which each of them gets of its own. Promise: Faktory's replies to it depend on nothing else,
// except times, and `retry`: the PUSHes that Faktory 1.7 works on at a time share one default, on which they
// race, and 2 % of jobs are stored with another `retry` than they were given, directly too.

import * as fc from 'fast-check';

/** Stands for the tag of whoever has the conversation. */
export const TAG = '@-TAG--@';
const TAG_BYTES = TAG.length;

/** Lines without their LF; each byte is one character. */
export type Conversation = readonly string[];

const word = fc.constantFrom(
  'default',
  'a',
  'retries',
  'dead',
  'x y',
  'w\u00e4',
  '\\u0071',
  '',
  'A'.repeat(60),
);
const queue = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(`q${TAG}`, `p${TAG}`) },
  { weight: 1, arbitrary: word },
);
const json = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"\xff"',
    '1e400',
    '-0',
    '1.0',
    '12345678901234567890',
    '"<&>\\u2028"',
    '""',
  ),
);
const jid = fc.oneof(
  { weight: 6, arbitrary: fc.nat(9999).map((n) => `job-${TAG}-${n}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('short', '', '\\u006aid12345', 'jid-\xc3\xa4\xc3\xa4\xc3\xa4'),
  },
);
const space = fc.constantFrom('', '', '', ' ', '\t');
const caseOf = (name: string): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 8, arbitrary: fc.constant(name) },
    { weight: 1, arbitrary: fc.constantFrom(name.toUpperCase(), name.replace('u', '\\u0075')) },
  );
const member = (name: string, value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(caseOf(name), space, value).map(([key, gap, text]) => `"${key}":${gap}${text}`);
const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<string> => text.map((one) => `"${one}"`);
const odd = fc.constantFrom('null', '5', '{}', '[]', '"text"', 'true');
const oddly = (value: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 12, arbitrary: value }, { weight: 1, arbitrary: odd });

const job = fc
  .tuple(
    member('jid', oddly(quoted(jid))),
    member('jobtype', oddly(fc.constant('"T"'))),
    member('args', oddly(fc.array(json, { maxLength: 3 }).map((args) => `[${args.join(', ')}]`))),
    member('queue', oddly(quoted(queue))),
    member('retry', fc.constantFrom('3', '0', '-1', '25')),
    fc.array(
      fc.oneof(
        member('custom', oddly(json.map((value) => `{"k":${value}}`))),
        member('reserve_for', oddly(fc.constantFrom('60', '1800', '90000'))),
        member('at', fc.constantFrom('"2099-01-01T00:00:00Z"', '"2001-01-01T00:00:00Z"', '"soon"')),
        member('backtrace', oddly(fc.constantFrom('0', '5'))),
        member('created_at', fc.constant('"2026-11-26T15:00:00Z"')),
        member('queue', oddly(quoted(queue))),
        member('unknown', json),
      ),
      { maxLength: 3 },
    ),
  )
  .map(
    ([id, type, args, to, retry, more]) => `{${[id, type, args, to, ...more, retry].join(',')}}`,
  );

const lines = fc.oneof(
  { weight: 8, arbitrary: job.map((one) => `PUSH ${one}`) },
  {
    weight: 3,
    arbitrary: fc.array(job, { maxLength: 4 }).map((jobs) => `PUSHB [${jobs.join(',')}]`),
  },
  { weight: 1, arbitrary: job.map((one) => `PUSHB ${one}`) },
  {
    weight: 1,
    arbitrary: fc.tuple(job, fc.nat(60)).map(([one, end]) => `PUSH ${one.slice(0, end)}`),
  },
  { weight: 2, arbitrary: jid.map((id) => `ACK {"jid":"${id}"}`) },
  { weight: 2, arbitrary: jid.map((id) => `FAIL {"jid":"${id}","message":"m","backtrace":["a"]}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('w1', 'x y', '', '\\u0041').map((wid) => `BEAT {"wid":"${wid}"}`),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('ACK', 'FAIL', 'BEAT', 'MUTATE'), json)
      .map((parts) => parts.join(' ')),
  },
  { weight: 1, arbitrary: queue.map((name) => `QUEUE RESUME ${name}`) },
  { weight: 1, arbitrary: queue.map((name) => `QUEUE UNKNOWN ${name}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'PUSH',
      'PUSHB',
      'ACK',
      'FAIL',
      'BEAT',
      'QUEUE',
      'QUEUE A',
      'PUSH ',
      'FETCH',
      '',
      ' ',
      'BATCH NEW {}',
      'TRACK GET a',
      'push {}',
      'MUTATE',
      'MUTATE {"cmd":"requeue","target":"x"}',
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .string({ unit: 'binary-ascii', maxLength: 20 })
      .filter(
        (text) => !/[\r\n]/.test(text) && !/^(?:END|INFO|FLUSH|FETCH|MUTATE|QUEUE)\b/.test(text),
      ),
  },
);

/** A push, and the FETCH that gets its job, from a queue of its own. */
const fetched = fc
  .nat(9999)
  .map((n) => [
    `PUSH {"jid":"fetch-${TAG}-${n}","jobtype":"T","args":[${n}],"queue":"f${n}-${TAG}","retry":1}`,
    `FETCH f${n}-${TAG} g${n}-${TAG}`,
    `ACK {"jid":"fetch-${TAG}-${n}"}`,
  ]);

export const conversations: fc.Arbitrary<Conversation> = fc
  .array(
    fc.oneof(
      { weight: 9, arbitrary: lines.map((line) => [line]) },
      { weight: 1, arbitrary: fetched },
    ),
    {
      minLength: 1,
      maxLength: 12,
    },
  )
  .map((parts) => parts.flat());

/** The bytes that `tag`'s owner sends. */
export function bytesFor(conversation: Conversation, tag: string): readonly Buffer[] {
  if (tag.length !== TAG_BYTES)
    throw new Error(`Cannot use the tag ${tag}: its length changes lengths`);
  return conversation.map((line, i) =>
    Buffer.from(`${line.replaceAll(TAG, tag)}${i % 2 === 0 ? '\r\n' : '\n'}`, 'latin1'),
  );
}

const TIMES = /"(created_at|enqueued_at)":"20[^"]*"/g;

/** A reply or a stored job, so that those of different owners can be compared. */
export function comparable(text: string, tag: string): string {
  return text
    .replaceAll(tag, TAG)
    .replaceAll(TIMES, '"$1":""')
    .replaceAll(/"retry":-?\d+/g, '"retry":N')
    .replaceAll(/\$\d+\r\n(?=\{"jid")/g, '$N\r\n');
}
