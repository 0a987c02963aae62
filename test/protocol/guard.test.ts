// Lines that must not reach Faktory 1.7. Each crash line was seen to kill a real 1.7.0 server.

import { equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { VERBS } from '../../src/protocol/verbs.ts';
import { verbOf } from '../../src/protocol/command.ts';
import { Guard, type GuardRule, SWITCHED_RULES } from '../../src/protocol/guard.ts';
import type { RuleSwitch, SwitchedRule } from '../../src/protocol/guard.ts';

type Switches = Partial<Record<SwitchedRule, RuleSwitch>>;

function guardWith(switches: Switches, sharesConnections: boolean, payloadBytes = 100): Guard {
  const all = Object.fromEntries(
    SWITCHED_RULES.map((rule) => [rule, switches[rule] ?? 'off']),
  ) as Record<SwitchedRule, RuleSwitch>;
  return new Guard({ switches: all, payloadBytes, sharesConnections });
}

const CRASH_RULES: Switches = { bare_verb: 'block', queue_arguments: 'block' };
const OWN = guardWith(CRASH_RULES, false);
const SHARED = guardWith(CRASH_RULES, true);

function firstBroken(guard: Guard, line: Buffer): GuardRule | null {
  return guard.rules[verbOf(line)].find((rule) => rule.isBroken(line))?.name ?? null;
}

/** The rule that `text` breaks; the same with either line end. */
function ruleOf(text: string, shared = false): GuardRule | null {
  const lf = Buffer.from(`${text}\n`);
  const crlf = Buffer.from(`${text}\r\n`);
  const rule = firstBroken(shared ? SHARED : OWN, lf);
  equal(firstBroken(shared ? SHARED : OWN, crlf), rule);
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

t.test('a rule that is off is not asked, and one in log or block is', async (t) => {
  const off = guardWith({}, false);
  for (const verb of VERBS) {
    const names = off.rules[verb].map(({ name }) => name);
    t.strictSame(names, verb === 'FETCH' ? ['fetch_too_long'] : [], verb);
  }
  for (const action of ['log', 'block'] as const) {
    const all = Object.fromEntries(SWITCHED_RULES.map((rule) => [rule, action])) as Switches;
    const guard = guardWith(all, true);
    t.equal(guard.commandRate, action);
    const names = new Set(VERBS.flatMap((verb) => guard.rules[verb].map(({ name }) => name)));
    for (const rule of SWITCHED_RULES) {
      if (rule !== 'command_rate') t.ok(names.has(rule), rule);
    }
    for (const rule of guard.rules.PUSH) t.equal(rule.action, action);
    t.strictSame(
      guard.rules.FAIL.map((rule) => rule.action),
      [action, 'block'],
      'control_character always blocks',
    );
  }
});

const HARM = guardWith(
  { flush: 'block', mutate: 'block', queue_remove: 'block', payload_size: 'block' },
  false,
);

function harmOf(text: string): GuardRule | null {
  return firstBroken(HARM, Buffer.from(`${text}\r\n`));
}

t.test('FLUSH, QUEUE REMOVE and what MUTATE deletes are found, the rest passes', async (t) => {
  t.equal(harmOf('FLUSH'), 'flush');
  t.equal(harmOf('FLUSH now'), 'flush');
  for (const text of ['QUEUE REMOVE a', 'QUEUE REMOVE *', 'QUEUE REMOVE ']) {
    t.equal(harmOf(text), 'queue_remove', text);
  }
  for (const text of [
    'QUEUE PAUSE REMOVE',
    'QUEUE remove a',
    'QUEUE  REMOVE a',
    'QUEUE REMOVED a',
  ]) {
    t.equal(harmOf(text), null, text);
  }
  for (const command of ['clear', 'kill', 'discard', 'cl\\u0065ar']) {
    for (const key of ['cmd', 'CMD', 'Cmd', '\\u0063md']) {
      t.equal(harmOf(`MUTATE {"${key}":"${command}","target":"retries"}`), 'mutate', key);
    }
  }
  for (const payload of [
    '{"cmd":"requeue","target":"retries"}',
    '{"cmd":"clear","cmd":"requeue"}',
    '{"filter":{"cmd":"clear"},"cmd":"requeue"}',
    '{"target":"clear"}',
    '{"cmd":"Clear"}',
    '["cmd","clear"]',
    'clear',
  ]) {
    t.equal(harmOf(`MUTATE ${payload}`), null, payload);
  }
});

t.test(
  'payload_size: a job of n bytes passes, one of n + 1 is found, in a PUSHB each by itself',
  async (t) => {
    const jobOf = (bytes: number) => `{"a":"${'x'.repeat(bytes - '{"a":""}'.length)}"}`;
    t.equal(harmOf(`PUSH ${jobOf(100)}`), null);
    t.equal(harmOf(`PUSH ${jobOf(101)}`), 'payload_size');
    t.equal(harmOf(`PUSHB [${jobOf(100)},${jobOf(100)}]`), null);
    t.equal(harmOf(`PUSHB [${jobOf(10)},${jobOf(101)}]`), 'payload_size');
    t.equal(harmOf(`PUSHB [${jobOf(10)}, {"b":{"c":[${jobOf(90)}]}}]`), 'payload_size');
    t.equal(harmOf(`ACK ${jobOf(200)}`), null);
  },
);
