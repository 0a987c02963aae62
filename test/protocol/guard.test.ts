// Lines that must not reach Faktory 1.7. Each crash line was seen to kill a real 1.7.0 server.

import { equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import type { GuardRule } from '../../src/protocol/guard.ts';
import { VERBS } from '../../src/protocol/verbs.ts';
import { verbOf } from '../../src/protocol/command.ts';
import { guard } from '../../src/protocol/guard.ts';

/** The rule that `text` breaks; the same with either line end. */
function ruleOf(text: string, shared = false): GuardRule | null {
  const lf = Buffer.from(`${text}\n`);
  const crlf = Buffer.from(`${text}\r\n`);
  const rule = guard(verbOf(lf), lf, shared);
  equal(guard(verbOf(crlf), crlf, shared), rule);
  return rule;
}

const CRASHING_BARE = ['PUSH', 'PUSHB', 'ACK', 'FAIL', 'BEAT'];

t.test('a bare verb that panics Faktory is caught, the same with a space passes', async (t) => {
  for (const verb of CRASHING_BARE) {
    for (const shared of [true, false]) {
      t.equal(ruleOf(verb, shared), 'bare_verb', verb);
      t.equal(ruleOf(`${verb} `, shared), null, `${verb} and a space`);
      t.equal(ruleOf(`${verb} {}`, shared), null, `${verb} {}`);
      t.equal(ruleOf(`${verb} not json`, shared), null, `${verb} not json`);
    }
  }
});

t.test('a FETCH of more names than anybody has is caught, any shorter one passes', async (t) => {
  const names = (bytes: number) => `FETCH ${'q '.repeat(bytes / 2)}`.slice(0, bytes);
  for (const shared of [true, false]) {
    t.equal(ruleOf(names(65_537), shared), 'fetch_too_long');
    t.equal(ruleOf(names(65_000), shared), null);
  }
});

t.test('any other bare verb passes', async (t) => {
  for (const verb of VERBS) {
    if (CRASHING_BARE.includes(verb) || verb === 'QUEUE') continue;
    t.equal(ruleOf(verb), null, verb);
  }
  for (const text of ['', 'push', 'PUSHX', 'PUSH\r\r'])
    t.equal(ruleOf(text), null, JSON.stringify(text));
});

t.test('QUEUE with fewer than two arguments is caught, whatever the first', async (t) => {
  for (const text of ['QUEUE', 'QUEUE ', 'QUEUE PAUSE', 'QUEUE X', 'QUEUE *', 'QUEUE \t']) {
    t.equal(ruleOf(text), 'queue_arguments', text);
  }
  for (const text of [
    'QUEUE PAUSE a',
    'QUEUE PAUSE ',
    'QUEUE  ',
    'QUEUE PAUSE *',
    'QUEUE X a b c',
  ]) {
    t.equal(ruleOf(text), null, text);
  }
});

const ECHOING = [
  ['BEAT', 'wid'],
  ['FAIL', 'jid'],
] as const;

t.test(
  'an escaped control character in the id that Faktory echoes is caught when shared',
  async (t) => {
    for (const [verb, field] of ECHOING) {
      for (const escape of ['\\r\\n', '\\n', '\\u000a', '\\u000D', '\\u0000', '\\t', '\\u007f']) {
        const text = `${verb} {"${field}":"a${escape}+OK"}`;
        t.equal(ruleOf(text, true), 'control_character', text);
        t.equal(ruleOf(text, false), null, `${text}, on a connection of one's own`);
      }
    }
  },
);

t.test('no spelling of the key gets a control character past the guard', async (t) => {
  const bad = '"a\\r\\nb"';
  for (const [verb, field] of ECHOING) {
    const upper = field.toUpperCase();
    for (const payload of [
      `{"${upper}":${bad}}`,
      `{"${field.slice(0, 2)}D":${bad}}`,
      `{"\\u00${field.charCodeAt(0).toString(16)}id":${bad}}`,
      `{"${field}":"good","${upper}":${bad}}`,
      `{"${field}":${bad},"${upper}":"good"}`,
      `{"${field}":"good","${field}":${bad}}`,
      // Go leaves a field as it was on null: the first of the two is what it echoes.
      `{"${field}":${bad},"${field}":null}`,
      `{"${field}":${bad},"${upper}":null}`,
      `  {\t"x":{"${field}":"{[,\\"]}"},"y":[1,"]"], "${field}" : ${bad} }  `,
    ]) {
      t.equal(ruleOf(`${verb} ${payload}`, true), 'control_character', payload);
    }
  }
});

t.test('control characters that Faktory does not echo pass', async (t) => {
  for (const text of [
    'FAIL {"jid":"abc","message":"line\\nline","backtrace":["a\\n","b\\r\\n"]}',
    'FAIL {"jid":"abc","wid":"a\\n"}',
    'FAIL {"jid":"a\\\\n"}',
    'FAIL {"jid":"a\\u0041\\/"}',
    'FAIL {"x":{"jid":"a\\nb"},"jid":"abc"}',
    'FAIL {"jid":"abc\\n"',
    'FAIL ["jid\\n"]',
    'FAIL {"jid":5,"x":"\\n"}',
    'BEAT {"wid":"abc","current_state":"\\n","jid":"a\\n"}',
    'PUSH {"jid":"a\\n","wid":"a\\n"}',
    'ACK {"jid":"a\\n"}',
  ]) {
    t.equal(ruleOf(text, true), null, text);
  }
});

t.test(
  'whatever stands around it, an id with a control character is caught, else it passes',
  async () => {
    const text = fc.string({ unit: 'binary', maxLength: 12 });
    const member = fc.tuple(
      fc.constantFrom('jid', 'JID', 'Jid', 'a', 'b'),
      fc.oneof(text, fc.jsonValue()),
    );
    fc.assert(
      fc.property(fc.array(member, { maxLength: 6 }), (members) => {
        const written = members.map(
          ([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`,
        );
        const isBad = members.some(
          ([key, value]) =>
            key.toLowerCase() === 'jid' &&
            typeof value === 'string' &&
            // JSON.stringify writes DEL as itself; as itself it is harmless, and passes without a backslash.
            !/^[ -\u{10ffff}]*$/u.test(value),
        );
        const rule = ruleOf(`FAIL {${written.join(',')}}`, true);
        if (isBad) equal(rule, 'control_character');
        else if (!/\u007f/.test(written.join())) equal(rule, null);
      }),
      { numRuns: 500 },
    );
  },
);
