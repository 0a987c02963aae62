// Queue names that are Faktory's own keys, however a client writes them. The reference is Go's decoder as
// protocol/go-json.ts knows it; the real one is asked in test/truth and by npm run fuzz.

import { equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { goFieldCandidates, goMembers } from '../../src/protocol/go-json.ts';
import {
  fetchIsReserved,
  pushbIsReserved,
  pushIsReserved,
  queueIsReserved,
  RESERVED_QUEUES,
} from '../../src/protocol/reserved-queues.ts';

/** Whether the check finds the line; the same with either line end. */
function finds(check: (line: Buffer) => boolean, text: string): boolean {
  const found = check(Buffer.from(`${text}\r\n`));
  equal(check(Buffer.from(`${text}\n`)), found);
  return found;
}

const DATED = ['processed:2026-11-26', 'failures:2026-11-26'];
const HARMLESS = [
  'default',
  'retry',
  'Retries',
  'retries2',
  'deads',
  'processed:',
  'processed:2026-11-2x',
  'x:2026-11-26',
];

t.test('each key of Faktory is found in every verb that names a queue', async (t) => {
  for (const name of [...RESERVED_QUEUES, ...DATED]) {
    t.ok(finds(pushIsReserved, `PUSH {"jid":"12345678","queue":"${name}"}`), name);
    t.ok(finds(pushbIsReserved, `PUSHB [{"queue":"a"},{"queue":"${name}"},{}]`), name);
    t.ok(finds(fetchIsReserved, `FETCH a ${name} b`), name);
    t.ok(finds(fetchIsReserved, `FETCH ${name}`), name);
    t.ok(finds(queueIsReserved, `QUEUE PAUSE a ${name}`), name);
    t.ok(finds(queueIsReserved, `QUEUE REMOVE ${name}`), name);
  }
});

t.test('any other name passes', async (t) => {
  for (const name of HARMLESS) {
    t.notOk(finds(pushIsReserved, `PUSH {"queue":"${name}"}`), name);
    t.notOk(finds(pushbIsReserved, `PUSHB [{"queue":"${name}"}]`), name);
    t.notOk(finds(fetchIsReserved, `FETCH ${name}`), name);
    t.notOk(finds(queueIsReserved, `QUEUE PAUSE ${name}`), name);
  }
  for (const text of ['FETCH', 'FETCH ', 'FETCH  a']) t.notOk(finds(fetchIsReserved, text), text);
  for (const text of ['QUEUE retries', 'QUEUE retries ', 'QUEUE', 'QUEUE  ']) {
    t.notOk(finds(queueIsReserved, text), text);
  }
});

t.test('no spelling of the key or the name hides it', async (t) => {
  for (const payload of [
    '{"queue":"\\u0072etries"}',
    '{"queue":"\\u0072\\u0065\\u0074\\u0072\\u0069\\u0065\\u0073"}',
    '{"QUEUE":"retries"}',
    '{"\\u0051ueUe":"dead"}',
    '{"\\u0071\\u0075\\u0065\\u0075\\u0065":"dead"}',
    '{ "queue"\t:\r "dead" }',
    '{"queue":"ok","Queue":"dead"}',
    '{"queue":"dead","queue":null}',
    '{"args":["\\\\",{"queue":"ok"}],"queue":"dead"}',
    `{"args":["${'x\\"'.repeat(100)}"],"queue":"dead"}`,
    `{"args":["${'\\\\'.repeat(100)}"],"queue":"dead"}`,
    `{"${'k'.repeat(200)}":"${'v'.repeat(200)}","queue":"dead"}`,
  ]) {
    t.ok(finds(pushIsReserved, `PUSH ${payload}`), payload);
    t.ok(finds(pushbIsReserved, `PUSHB [${payload}]`), payload);
    t.ok(finds(pushbIsReserved, `PUSHB [{"queue":"ok"}, ${payload} ,{"a":1}]`), payload);
  }
});

t.test('what only looks like it passes', async (t) => {
  for (const payload of [
    '{"queue":"dead","queue":"ok"}',
    '{"queue":"dead","QUEUE":""}',
    '{"args":["queue","dead"]}',
    '{"args":[{"queue":"dead"}]}',
    '{"custom":{"queue":"dead"}}',
    '{"x":"\\"queue\\":\\"dead\\"","queue":"ok"}',
    '{"queue":"dead\\u0000"}',
    '{"queue":["dead"]}',
    '{"queues":"dead"}',
    '{"queue":"d\u00e9ad"}',
    '{"queue":"dead"',
    '{"queue',
    '{"queue":"',
    '{"queue":"\\',
    '[]',
    'null',
    '',
  ]) {
    t.notOk(finds(pushIsReserved, `PUSH ${payload}`), payload);
    t.notOk(finds(pushbIsReserved, `PUSHB [${payload}]`), payload);
  }
});

/** Characters as JSON may write them: themselves, or escaped. */
const spelled = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((escapes) =>
    text
      .split('')
      .map((char, i) =>
        escapes[i] === true
          ? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
          : JSON.stringify(char).slice(1, -1),
      )
      .join(''),
  );

const key = fc
  .constantFrom('queue', 'QUEUE', 'Queue', 'queUE', 'jid', 'args', 'queues', 'queu\u0435')
  .chain(spelled);
const name = fc.constantFrom(...RESERVED_QUEUES, ...DATED, ...HARMLESS).chain(spelled);
const space = fc.constantFrom('', '', ' ', '\t', ' \r ');
const value = fc.oneof(
  { weight: 4, arbitrary: name.map((text) => `"${text}"`) },
  fc.constant('null'),
  fc.jsonValue().map((any) => JSON.stringify(any)),
  fc.tuple(key, name).map(([inner, text]) => `{"${inner}":["${text}",{"${inner}":"${text}"}]}`),
);
const member = fc
  .tuple(space, key, space, value, space)
  .map(([a, k, b, v, c]) => `${a}"${k}"${b}:${v}${c}`);
const job = fc.array(member, { maxLength: 5 }).map((members) => `{${members.join(',')}}`);

/** The queue that Go's decoder ends with. */
function queueOf(text: string): unknown {
  const candidates = goFieldCandidates(goMembers(text) ?? [], 'queue');
  return candidates.filter((candidate) => typeof candidate === 'string').at(-1);
}

const isReserved = (queue: unknown): boolean =>
  [...RESERVED_QUEUES, ...DATED].some((reserved) => reserved === queue);

t.test('a job is found if and only if the decoder would end with a reserved queue', async () => {
  fc.assert(
    fc.property(fc.array(job, { minLength: 1, maxLength: 3 }), (jobs) => {
      const isAnyReserved = jobs.some((text) => isReserved(queueOf(text)));
      equal(finds(pushbIsReserved, `PUSHB [${jobs.join(', ')}]`), isAnyReserved);
      equal(finds(pushIsReserved, `PUSH ${jobs[0]}`), isReserved(queueOf(jobs[0] ?? '')));
    }),
    { numRuns: 2000 },
  );
});
