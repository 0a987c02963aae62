// What Faktory takes a line's verb for: server/server.go cuts the line's end off and compares what
// stands before the first space, byte for byte.

import { equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { VERBS } from '../../src/protocol/verbs.ts';
import { contentEnd } from '../../src/protocol/bytes.ts';
import { fetchQueues, verbOf } from '../../src/protocol/command.ts';

const NAMED = VERBS.filter((verb) => verb !== 'OTHER');

t.test('each verb is known bare and with arguments, with LF and with CRLF', async (t) => {
  for (const verb of NAMED) {
    for (const line of [
      `${verb}\n`,
      `${verb}\r\n`,
      `${verb} \n`,
      `${verb} {"a":1}\r\n`,
      `${verb}  x\n`,
    ]) {
      t.equal(verbOf(Buffer.from(line)), verb, JSON.stringify(line));
    }
  }
});

t.test('what only looks like a verb is none', async (t) => {
  for (const verb of NAMED) {
    for (const text of [
      verb.toLowerCase(),
      `${verb}X`,
      `${verb}\t{}`,
      ` ${verb}`,
      `\0${verb}`,
      `${verb}\0`,
      `${verb}\r`,
      `${verb}\r {}`,
      verb.slice(0, -1),
      `${verb.slice(0, -1)} `,
      `${verb.slice(0, 1)}${verb}`,
    ]) {
      if (text === 'PUSH' || text === 'PUSH ') continue;
      t.equal(verbOf(Buffer.from(`${text}\r\n`)), 'OTHER', JSON.stringify(text));
    }
  }
});

t.test('lines without a first word, and with a very long one, are read without harm', async (t) => {
  for (const text of ['', ' ', '  PUSH', '\r', 'A', 'AC', '{}', 'é', 'PUSHBPUSHB', 'MUTATES']) {
    t.equal(verbOf(Buffer.from(`${text}\n`)), 'OTHER', JSON.stringify(text));
    t.equal(verbOf(Buffer.from(`${text}\r\n`)), 'OTHER', JSON.stringify(text));
  }
  t.equal(verbOf(Buffer.from(`PUSH${'X'.repeat(1_000_000)} {}\n`)), 'OTHER');
  t.equal(verbOf(Buffer.from('\n')), 'OTHER');
});

t.test('for any bytes the verb is the one that comparing strings would find', async () => {
  const byte = fc.constantFrom(...Buffer.from('PUSHBEATFECKINDOLMUQRY \r'), 0xff, 0xd0, 0x00);
  const rest = fc.array(byte, { maxLength: 6 }).map((bytes) => Buffer.from(bytes));
  const start = fc.constantFrom(...NAMED.map((verb) => Buffer.from(verb)), Buffer.alloc(0));
  const end = fc.constantFrom(Buffer.from('\n'), Buffer.from('\r\n'));
  fc.assert(
    fc.property(start, rest, end, (start, rest, end) => {
      const line = Buffer.concat([start, rest, end]);
      const word = line
        .toString('latin1')
        .replace(/\r?\n$/, '')
        .split(' ')[0];
      const expected = NAMED.find((verb) => verb === word) ?? 'OTHER';
      equal(verbOf(line), expected, JSON.stringify(line.toString('latin1')));
    }),
    { numRuns: 2000 },
  );
});

t.test('a line\u2019s content ends before LF, and before one CR in front of it', async (t) => {
  for (const [line, end] of [
    ['\n', 0],
    ['\r\n', 0],
    ['a\n', 1],
    ['a\r\n', 1],
    ['a\r\r\n', 2],
    ['\r\r\n', 1],
  ] as const) {
    t.equal(contentEnd(Buffer.from(line)), end, JSON.stringify(line));
  }
});

t.test('the queues of a FETCH are split at every single space', async (t) => {
  for (const [line, queues] of [
    ['FETCH\n', []],
    ['FETCH default\r\n', ['default']],
    ['FETCH a b c\n', ['a', 'b', 'c']],
    ['FETCH  a \n', ['', 'a', '']],
  ] as const) {
    t.strictSame(fetchQueues(Buffer.from(line)), queues, JSON.stringify(line));
  }
});
