// PUSHes as one PUSHB: no client's bytes can reach into another's job, and each answer is told apart.

import { deepEqual, equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import {
  bulkOutcome,
  holdsOneObject,
  isUnreadable,
  jidOf,
  pushbLine,
  pushErrorLine,
} from '../../src/protocol/bulk.ts';

function push(payload: string, end = '\r\n'): { readonly line: Buffer } {
  return { line: Buffer.from(`PUSH ${payload}${end}`) };
}

function parsed(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

t.test('any JSON object is held as one, whatever its end of line', async () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
      const text = JSON.stringify(object);
      equal(holdsOneObject(push(text).line), true);
      equal(holdsOneObject(push(text, '\n').line), true);
    }),
  );
});

t.test('what is not one object is not', async (t) => {
  const payloads = ['', ' {}', '{} ', '[]', '[{}]', '1', 'null', '{', '}', '{"a":1', '{"a":"}'];
  payloads.push('{},{}', '{}{}', '{"a":1}]', '{"a":1}],[{"b":1}', '{"a":"\\"}', '{"a":"\\', '"{}"');
  for (const payload of payloads) t.equal(holdsOneObject(push(payload).line), false, payload);
  t.equal(holdsOneObject(Buffer.from('PUSH\r\n')), false);
});

t.test('payloads that pass never change how many jobs there are, nor which', async () => {
  const bytes = fc.string({
    unit: fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '1', ' '),
    maxLength: 12,
  });
  const hostile = fc.oneof(
    bytes.map((text) => `{${text}}`),
    fc.dictionary(fc.string(), fc.jsonValue()).map((object) => JSON.stringify(object)),
  );
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 6 }), (payloads) => {
      const pushes = payloads.map((text) => push(text)).filter(({ line }) => holdsOneObject(line));
      if (pushes.length === 0) return;
      const bulk = pushbLine(pushes).toString();
      const alone = pushes.map(({ line }) => parsed(line.toString().slice(5)));
      const together = parsed(bulk.slice('PUSHB '.length));
      // Either each is valid by itself and is an element, or the whole executes nothing.
      if (alone.includes(null)) equal(together, null);
      else
        deepEqual(
          together?.value,
          alone.map((one) => one?.value),
        );
    }),
    { numRuns: 20_000 },
  );
});

t.test('a PUSHB line is its payloads, byte for byte', async (t) => {
  const line = pushbLine([push('{"a":"é"}'), push('{"b":2}', '\n')]);
  t.equal(line.toString(), 'PUSHB [{"a":"é"},{"b":2}]\r\n');
  t.equal(pushbLine([push('{}')]).toString(), 'PUSHB [{}]\r\n');
});

t.test('each answer of Faktory is told apart', async (t) => {
  const body = '{"job-1":"jobs must have an args parameter"}';
  const map = Buffer.from(`$${body.length}\r\n${body}\r\n`);
  t.same(bulkOutcome(Buffer.from('$2\r\n{}\r\n')), { kind: 'all_stored' });
  t.same(bulkOutcome(Buffer.from('-ERR invalid JSON: x\r\n')), { kind: 'not_executed' });
  t.same(bulkOutcome(map), {
    kind: 'some_failed',
    textByJid: new Map([['job-1', 'jobs must have an args parameter']]),
  });
  for (const other of ['-ERR else\r\n', '$-1\r\n', '+OK\r\n', '$2\r\n[]\r\n', '$1\r\nx\r\n']) {
    t.same(bulkOutcome(Buffer.from(other)), { kind: 'unknown' }, other);
  }
  t.ok(isUnreadable(Buffer.from('-ERR invalid JSON: unexpected end of JSON input\r\n')));
  t.notOk(isUnreadable(Buffer.from('-ERR jobs must have an args parameter\r\n')));
});

t.test('a jid is read as Faktory reads it, or not at all', async (t) => {
  const cases: [string, string | null][] = [
    ['{"jid":"a"}', 'a'],
    ['{"JID":"a"}', 'a'],
    ['{}', ''],
    ['{"jid":"a","Jid":"b"}', null],
    ['{"jid":null}', null],
    ['{"j\\u0069d":"a"}', 'a'],
  ];
  // Each becomes U+FFFD in Faktory's answer, as many of them as Go pleases.
  cases.push(['{"jid":"\\ud800"}', null], ['{"jid":"\ufffd"}', null], ['{oops}', null]);
  const noUnicode = Buffer.from('PUSH {"jid":"xx"}\r\n').fill(0xff, 13, 15);
  t.equal(jidOf(noUnicode), null);
  for (const [payload, jid] of cases) t.equal(jidOf(push(payload).line), jid, payload);
});

t.test('an error is the line that PUSH alone would have got', async (t) => {
  t.equal(pushErrorLine('jobs must have').toString(), '-ERR jobs must have\r\n');
  t.equal(pushErrorLine('NOTUNIQUE Job').toString(), '-NOTUNIQUE Job\r\n');
  t.equal(pushErrorLine('MISCONF Redis').toString(), '-ERR MISCONF Redis\r\n');
});
