// Which PUSHes may share a PUSHB: no client's bytes can reach into another's job, and the answer, which
// names jobs by jid, can be told apart. Checked against the slow reading of the same JSON.

import { deepEqual, equal, notEqual } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { jidOf, pushbLine } from '../../src/protocol/bulk.ts';
import { ALONE, bulkMark, REFUSED_ALIKE } from '../../src/protocol/bulk-mark.ts';
import { goFieldCandidates, goMembers } from '../../src/protocol/go-json.ts';

function push(payload: string, end = '\r\n'): { readonly line: Buffer } {
  return { line: Buffer.from(`PUSH ${payload}${end}`) };
}

function markOf(payload: string): number {
  const mark = bulkMark(push(payload).line);
  equal(bulkMark(push(payload, '\n').line), mark, payload);
  return mark;
}

function parsed(text: string): { readonly value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

t.test('what is not one object travels alone', async (t) => {
  const payloads = ['', ' {}', '{} ', '[]', '[{}]', '1', 'null', '{', '}', '{"a":1', '{"a":"}'];
  payloads.push('{},{}', '{}{}', '{"a":1}]', '{"a":1}],[{"b":1}', '{"a":"\\"}', '{"a":"\\', '"{}"');
  for (const payload of payloads) t.equal(markOf(payload), ALONE, payload);
  t.equal(bulkMark(Buffer.from('PUSH\r\n')), ALONE);
});

t.test('no jid, and one under 8 bytes, is refused alike', async (t) => {
  for (const payload of [
    '{}',
    '{"a":1}',
    '{"jid":""}',
    '{"jid":"1234567"}',
    '{"custom":{"jid":"12345678"},"x":[{"jid":"12345678","JID":1}],"y":"jid"}',
    '{"jidd":"12345678","ji":"12345678","xjid":null}',
  ]) {
    t.equal(markOf(payload), REFUSED_ALIKE, payload);
  }
});

t.test('a plain jid has a mark of its own, wherever and however it is written', async (t) => {
  const mark = markOf('{"jid":"12345678"}');
  t.ok(mark > REFUSED_ALIKE);
  for (const payload of [
    '{"JID":"12345678"}',
    '{ "Jid"\t: \r "12345678" }',
    '{"queue":"jid","jid":"12345678","args":["jid",{"jid":"x"}]}',
    '{"custom":{"a,b":[1,2,{"jid":3}]},"jid":"12345678"}',
    '{"a":"\\"jid\\":\\"","jid":"12345678"}',
    '{"e":{"\\u00e9":"é"},"jid":"12345678"}',
  ]) {
    t.equal(markOf(payload), mark, payload);
  }
  t.not(markOf('{"jid":"12345679"}'), mark);
  t.not(markOf('{"jid":"123456780"}'), mark);
});

t.test('a jid that cannot be told from others travels alone', async (t) => {
  for (const payload of [
    '{"jid":"12345678","jid":"12345678"}',
    '{"jid":"12345678","Jid":"87654321"}',
    '{"jid":"12345678","jid":null}',
    '{"jid":null}',
    '{"jid":12345678}',
    '{"jid":["12345678"]}',
    '{"jid":{"jid":"12345678"}}',
    '{"jid":true}',
    '{"jid":"odd-\\ud800-jid"}',
    '{"jid":"odd-\\u0041-jid"}',
    '{"jid":"odd-\\"-jid"}',
    '{"jid":"odd-é-jid"}',
    '{"jid":"odd-\ufffd-jid"}',
    '{"j\\u0069d":"12345678"}',
    '{"a\\n":1,"jid":"12345678"}',
    '{"é":1,"jid":"12345678"}',
    '{"jid"}',
    '{"jid":',
    '{"jid":"12345678',
  ]) {
    t.equal(markOf(payload), ALONE, payload);
  }
  const noUnicode = Buffer.from('PUSH {"jid":"12345678"}\r\n').fill(0xff, 15, 16);
  t.equal(bulkMark(noUnicode), ALONE);
});

/** JSON objects of which some members look like a jid, written in any way that JSON allows. */
const keys = fc.oneof(
  fc.constantFrom('"jid"', '"Jid"', '"JID"', '"j\\u0069d"', '"jıd"', '"ji"', '"jidd"', '"queue"'),
  fc.string().map((text) => JSON.stringify(text)),
);
const values = fc.oneof(
  fc.constantFrom('"12345678"', '"1234567"', '"abcdefgh\\u0000"', '"é-2345678"', 'null', '1', '{}'),
  fc.constantFrom('{"jid":"12345678"}', '[{"jid":"a,b"},"jid"]', '"\\"jid\\":"', '"\\\\"', '""'),
  fc.jsonValue().map((value) => JSON.stringify(value)),
);
const spaces = fc.constantFrom('', '', ' ', '\t', '\r');
const members = fc
  .tuple(keys, spaces, spaces, values)
  .map(([key, before, after, value]) => ({ key, text: `${key}${before}:${after}${value}` }));
const objects = fc.array(members, { maxLength: 5 });

// oxlint-disable-next-line no-control-regex -- ASCII is what is meant
const PLAIN = /^"[\u0000-\u007f]*"$/;

function isPlain(source: string): boolean {
  return PLAIN.test(source) && !source.includes('\\');
}

t.test('the mark is what reading the JSON says, for any object', async () => {
  let shared = 0;
  fc.assert(
    fc.property(objects, (found) => {
      const payload = `{${found.map(({ text }) => text).join(',')}}`;
      const mark = markOf(payload);
      const all = goMembers(payload) ?? [];
      const jids = all.filter((member) => goFieldCandidates([member], 'jid').length > 0);
      const mayShare =
        found.every(({ key }) => isPlain(key)) &&
        jids.length <= 1 &&
        jids.every(({ source }) => isPlain(source.trim()));
      equal(mark !== ALONE, mayShare, payload);
      if (!mayShare) return;
      shared += 1;
      const jid = jidOf(push(payload).line);
      notEqual(jid, null, payload);
      equal(mark, Buffer.byteLength(jid ?? '') < 8 ? REFUSED_ALIKE : markOf(`{"jid":"${jid}"}`));
    }),
    { numRuns: 20_000 },
  );
  equal(shared > 1000, true, `${shared} of them may share`);
});

t.test('marks of different jids differ, but for a rare accident', async (t) => {
  const marks = new Set<number>();
  for (let n = 0; n < 10_000; n += 1) {
    marks.add(markOf(`{"jid":"job-${String(n).padStart(8, '0')}"}`));
  }
  t.ok(marks.size > 9_990, `${marks.size} marks`);
  for (const mark of marks) if (mark <= REFUSED_ALIKE) t.fail(`${mark}`);
});

t.test('payloads with a mark never change how many jobs there are, nor which', async () => {
  const bytes = fc.string({
    unit: fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"',
      '\\',
      ',',
      ':',
      'a',
      '1',
      ' ',
      '"jid":"12345678"',
    ),
    maxLength: 12,
  });
  const hostile = fc.oneof(
    bytes.map((text) => `{${text}}`),
    fc.dictionary(fc.stringMatching(/^[a-z]*$/), fc.jsonValue()).map((o) => JSON.stringify(o)),
  );
  fc.assert(
    fc.property(fc.array(hostile, { minLength: 1, maxLength: 6 }), (payloads) => {
      const pushes = payloads.map((text) => push(text)).filter(({ line }) => bulkMark(line) >= 0);
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
    { numRuns: 5000 },
  );
});
