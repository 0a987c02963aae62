// HELLO and HI, both ways: what Go's encoding/json would read, and nothing smuggled out.

import { deepEqual, equal, match } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { type Hello, helloLine, parseHello } from '../../src/protocol/hello.ts';
import { hiLine, parseHi } from '../../src/protocol/hi.ts';
import { HELLO_VARIANTS, helloVariantLine, helloVariantName } from '../support/hello-variants.ts';

const NOBODY: Hello = {
  version: 0,
  wid: '',
  hostname: '',
  pid: 0n,
  rssKb: 0n,
  labels: [],
  username: '',
  passwordHash: '',
};

function parse(payload: string): Hello | null {
  return parseHello(Buffer.from(`HELLO ${payload}\r\n`));
}

t.test('every field of HELLO is read, with LF and with CRLF', async (t) => {
  const payload =
    '{"v":2,"wid":"w1","hostname":"h","pid":-7,"rss_kb":5,"labels":["a","b"],"username":"u","pwdhash":"ff","x":1}';
  const expected = {
    version: 2,
    wid: 'w1',
    hostname: 'h',
    pid: -7n,
    rssKb: 5n,
    labels: ['a', 'b'],
    username: 'u',
    passwordHash: 'ff',
  };
  t.strictSame(parseHello(Buffer.from(`HELLO ${payload}\n`)), expected);
  t.strictSame(parseHello(Buffer.from(`HELLO ${payload}\r\n`)), expected);
});

t.test('absent and null fields are empty, as Go leaves them', async (t) => {
  t.strictSame(parse('{}'), NOBODY);
  t.strictSame(
    parse(
      '{"v":null,"wid":null,"hostname":null,"pid":null,"labels":null,"username":null,"pwdhash":null}',
    ),
    NOBODY,
  );
  t.strictSame(parse('{"labels":["a",null]}'), { ...NOBODY, labels: ['a', ''] });
});

t.test('a line on which Faktory would close is invalid', async (t) => {
  for (const line of [
    '',
    'HELLO',
    'HELLO ',
    'HELLO  {}',
    'HELLO\t{}',
    'hello {}',
    'HELLO []',
    'HELLO "x"',
    'HELLO {',
    'HELLO {} x',
    "HELLO {'v':2}",
    'PUSH {}',
    'GET / HTTP/1.1',
  ]) {
    t.equal(parseHello(Buffer.from(`${line}\r\n`)), null, line);
  }
});

t.test('each variant is taken or refused as Faktory does it', async (t) => {
  t.ok(HELLO_VARIANTS.length >= 52);
  for (const variant of HELLO_VARIANTS) {
    const hello = parseHello(helloVariantLine(variant));
    t.equal(hello !== null, variant.accepted, helloVariantName(variant));
  }
});

t.test('integers are kept to the last digit', async (t) => {
  t.equal(parse('{"pid":9223372036854775807}')?.pid, 2n ** 63n - 1n);
  t.equal(parse('{"pid":-9223372036854775808,"rss_kb":9007199254740993}')?.rssKb, 2n ** 53n + 1n);
  t.match(helloLine({ ...NOBODY, pid: 2n ** 53n + 1n, rssKb: -1n }, ''), '"pid":9007199254740993,');
  t.equal(parse('{"v":255}')?.version, 255);
});

t.test('null in a later list of labels leaves what stood there', async (t) => {
  for (const [payload, labels] of [
    ['{"labels":["a","b"],"labels":[null,"c"]}', ['a', 'c']],
    ['{"labels":["a","b"],"labels":["c"],"labels":[null,null]}', ['c', 'b']],
    ['{"labels":["a"],"labels":[],"labels":[null]}', ['']],
    ['{"labels":["a"],"labels":null,"labels":[null]}', ['']],
    ['{"labels":["a"],"labels":[null,null]}', ['a', '']],
  ] as const) {
    t.strictSame(parse(payload)?.labels, labels, payload);
  }
});

t.test('text that is no Unicode is the same for us as for Faktory', async (t) => {
  t.equal(parse('{"wid":"\\ud800x"}')?.wid, '\ufffdx');
  const cut = Buffer.from('HELLO {"wid":"__x"}\r\n').fill('\xe2\x82', 14, 16, 'latin1');
  t.equal(parseHello(cut)?.wid, '\ufffd\ufffdx');
});

t.test(
  'keys match without regard to case, the last of two wins, and null changes nothing',
  async (t) => {
    for (const [payload, wid] of [
      ['{"WID":"a"}', 'a'],
      ['{"Wid":"a","wid":"b"}', 'b'],
      ['{"wid":"b","WID":"a"}', 'a'],
      ['{"wid":"a","WID":"b","wid":"c"}', 'c'],
      ['{"wid":"a","wid":null}', 'a'],
      ['{"\\u0077id":"a"}', 'a'],
      ['{"x":{"wid":"b"},"wid":"a","y":["wid","b",{"wid":"c"}]}', 'a'],
      ['{"widx":"b","__proto__":{"wid":"c"}}', ''],
    ] as const) {
      t.equal(parse(payload)?.wid, wid, payload);
    }
    // U+017F and U+212A are the two letters outside ASCII that Go folds into it.
    t.equal(parse('{"ho\u017ftname":"h"}')?.hostname, 'h');
  },
);

const texts = fc.string({ unit: 'binary', maxLength: 30 });
const hellos: fc.Arbitrary<Hello> = fc.record(
  {
    version: fc.constant(2),
    wid: texts,
    hostname: texts,
    pid: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    rssKb: fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
    labels: fc.array(texts, { maxLength: 4 }),
    username: texts,
    passwordHash: texts,
  },
  { noNullPrototype: true },
);

t.test('what is said to Faktory is what the client said of itself, for any strings', async () => {
  fc.assert(
    fc.property(hellos, (hello) => {
      const line = helloLine(hello, hello.passwordHash);
      deepEqual(parseHello(Buffer.from(line)), hello);
    }),
    { numRuns: 500 },
  );
});

t.test(
  'no string can put a line end or any control character into the line to Faktory',
  async () => {
    const hostile = fc.string({
      unit: fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\0',
        '"',
        '\\',
        '{',
        '}',
        '\u2028',
        '\ud800',
        'END',
      ),
    });
    fc.assert(
      fc.property(hellos, hostile, (hello, text) => {
        const line = helloLine(
          { ...hello, wid: text, hostname: text, labels: [text], username: text },
          text,
        );
        match(line, /^HELLO \{[ -\u{10ffff}]*\}\r\n$/u);
        equal(Buffer.from(line).filter((byte) => byte === 0x0a).length, 1);
      }),
      { numRuns: 500 },
    );
  },
);

t.test('a producer without login says neither wid nor username nor pwdhash', async (t) => {
  const line = helloLine(
    { ...NOBODY, hostname: 'h', pid: 1n, passwordHash: 'the client\u2019s own' },
    '',
  );
  t.equal(line, 'HELLO {"v":2,"pid":1,"hostname":"h","labels":[]}\r\n');
});

t.test('HI is read with and without a challenge', async (t) => {
  t.strictSame(parseHi('+HI {"v":2}'), { kind: 'hi', challenge: null });
  t.strictSame(parseHi('+HI {"v":2,"i":4000,"s":"ab"}'), {
    kind: 'hi',
    challenge: { salt: 'ab', rounds: 4000 },
  });
});

t.test('HI that we say is HI that we read, for any challenge of ours', async () => {
  const challenge = fc.record(
    {
      salt: fc.stringMatching(/^[0-9a-f]{16}$/),
      rounds: fc.integer({ min: 1, max: 100_000 }),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(fc.option(challenge), (challenge) => {
      const line = hiLine(challenge);
      match(line, /^\+HI \{[^\r\n]*\}\r\n$/);
      deepEqual(parseHi(line.trimEnd()), { kind: 'hi', challenge });
    }),
  );
});

t.test('an error in place of HI is read as its text', async (t) => {
  t.strictSame(parseHi('-ERR too many connections'), {
    kind: 'error',
    text: 'ERR too many connections',
  });
});

t.test('what is no HI, and a challenge that cannot be met, is invalid', async (t) => {
  for (const text of [
    '',
    '+OK',
    '+HI',
    '+HI []',
    '+HI {',
    'HTTP/1.1 400 Bad Request',
    '+HI {"s":5,"i":1}',
    '+HI {"s":"ab"}',
    '+HI {"s":"ab","i":"5"}',
    '+HI {"s":"ab","i":1.5}',
    '+HI {"s":"ab","i":0}',
    '+HI {"s":"ab","i":100001}',
  ]) {
    t.strictSame(parseHi(text), { kind: 'invalid' }, text);
  }
  t.equal(parseHi('+HI {"s":"ab","i":100000}').kind, 'hi');
});
