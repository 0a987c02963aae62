// PUSHes as one PUSHB: its line, its answer, and what each PUSH reads of it.

import t from 'tap';
import {
  bulkOutcome,
  isUnreadable,
  jidOf,
  pushbLine,
  pushErrorLine,
} from '../../src/protocol/bulk.ts';

function push(payload: string, end = '\r\n'): { readonly line: Buffer } {
  return { line: Buffer.from(`PUSH ${payload}${end}`) };
}

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
  const lines: [string, string][] = [
    ['jobs must have an args parameter', '-ERR jobs must have an args parameter'],
    // A code of a middleware, known to us or not.
    ['NOTUNIQUE Job', '-NOTUNIQUE Job'],
    ['DISCARD it', '-DISCARD it'],
    ['EXPIRED 2 s ago', '-EXPIRED 2 s ago'],
    ['MY_CODE2 x', '-MY_CODE2 x'],
    ['ERR by a middleware', '-ERR by a middleware'],
    // Redis's own codes are in the text of an ERR.
    ['MISCONF Redis is configured', '-ERR MISCONF Redis is configured'],
    ["OOM command not allowed when used memory > 'maxmemory'.", ''],
    ['WRONGTYPE Operation against a key', '-ERR WRONGTYPE Operation against a key'],
    // Not a code.
    ['EOF', '-ERR EOF'],
    ['Unable to store', '-ERR Unable to store'],
    ['NOT-A CODE', '-ERR NOT-A CODE'],
    ['', '-ERR '],
  ];
  for (const [text, line] of lines) {
    t.equal(pushErrorLine(text).toString(), `${line || `-ERR ${text}`}\r\n`);
  }
});
