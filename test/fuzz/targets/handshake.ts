// The handshake, from a client's bytes and from Faktory's: nothing throws, any split gives the same, and a
// HELLO that is passed on says what was said.

import { deepEqual, ok } from 'node:assert/strict';
import { ClientHandshake, type ClientHandshakeStep } from '../../../src/client/client-handshake.ts';
import { helloLine, parseHello } from '../../../src/protocol/hello.ts';
import { parseHi } from '../../../src/protocol/hi.ts';
import { LineBuffer } from '../../../src/protocol/line-buffer.ts';
import type { Target } from '../target.ts';

function run(input: Buffer): void {
  const bytes = input.subarray(1);
  const whole = handshake(bytes, bytes.length);
  deepEqual(handshake(bytes, 1 + ((input[0] ?? 0) & 0x1f)), whole);
  if (whole.kind === 'hello') {
    // Faktory reads from our line what the client said, in version 2.
    const again = parseHello(Buffer.from(helloLine(whole.hello, 'hash')));
    ok(again !== null);
    deepEqual(again, { ...whole.hello, version: 2, passwordHash: 'hash' });
  }
  parseHi(bytes.toString());
}

function handshake(bytes: Buffer, size: number): ClientHandshakeStep {
  const lines = new LineBuffer();
  const client = new ClientHandshake(lines);
  client.greet(null);
  for (let at = 0; at < bytes.length; at += size) {
    lines.push(Buffer.from(bytes.subarray(at, at + size)));
    const step = client.next();
    if (step.kind !== 'more') return step;
  }
  return client.next();
}

export const handshakes: Target = {
  name: 'handshake',
  seeds: [
    '\x01HELLO {"v":2,"wid":"w1","hostname":"h","pid":12,"labels":["a","b"],"username":"u","pwdhash":"00"}\r\n',
    '\x00HELLO {"v":1,"rss_kb":5,"startedat":"2026-11-26T15:00:00Z","labels":null}\n',
    '\x02HELLO {"labels":["a"],"labels":[null,"b"],"WID":"\\u0000","pid":-9223372036854775808}\n',
    '\x03+HI {"v":2,"i":4000,"s":"abc"}\r\n',
  ],
  dictionary: [
    'HELLO {',
    '+HI {',
    '}',
    '"v":',
    '"wid":',
    '"WID":',
    '"pid":',
    '"labels":',
    '["a"]',
    '[null]',
    'null',
    '"',
    ',',
    ':',
    '\\u0000',
    '\\ud800',
    '-1',
    '255',
    '256',
    '1e2',
    '0.5',
    '9223372036854775807',
    '"startedat":',
    '"2026-11-26T15:00:00Z"',
    '\n',
    '\r\n',
    '"i":',
    '"s":',
    '\u212a',
    '\xff',
  ],
  run,
};
