// The handshake with a client as a machine: bytes in, what to do out; however the bytes are split.

import t from 'tap';
import { ClientHandshake, type ClientHandshakeStep } from '../../src/client/client-handshake.ts';
import { LineBuffer } from '../../src/protocol/line-buffer.ts';

const HELLO = 'HELLO {"v":2,"wid":"w1","pid":1}\r\n';

interface Machine {
  readonly lines: LineBuffer;
  readonly handshake: ClientHandshake;
}

function machine(): Machine {
  const lines = new LineBuffer();
  return { lines, handshake: new ClientHandshake(lines) };
}

function hear({ lines, handshake }: Machine, text: string): ClientHandshakeStep {
  lines.push(Buffer.from(text));
  return handshake.next();
}

t.test('HI asks for what it must, and HELLO comes with what it answers', async (t) => {
  const open = machine();
  t.equal(open.handshake.greet(null).toString(), '+HI {"v":2}\r\n');
  t.match(hear(open, HELLO), { kind: 'hello', hello: { wid: 'w1' }, challenge: null });
  const locked = machine();
  const challenge = { salt: 'abc', rounds: 7 };
  t.equal(locked.handshake.greet(challenge).toString(), '+HI {"v":2,"i":7,"s":"abc"}\r\n');
  t.match(hear(locked, HELLO), { kind: 'hello', challenge });
});

t.test('byte by byte it is the same HELLO, and what stands behind it stays', async (t) => {
  const split = machine();
  split.handshake.greet(null);
  for (const byte of HELLO.slice(0, -1)) t.strictSame(hear(split, byte), { kind: 'more' });
  t.match(hear(split, '\nPUSH {}\r\n'), { kind: 'hello', hello: { wid: 'w1' } });
  t.equal(split.lines.next()?.toString(), 'PUSH {}\r\n');
});

t.test('what comes before HI waits for it', async (t) => {
  const eager = machine();
  t.strictSame(hear(eager, HELLO), { kind: 'more' });
  eager.handshake.greet(null);
  t.match(eager.handshake.next(), { kind: 'hello' });
});

t.test('what Faktory would close on is a bad HELLO', async (t) => {
  for (const line of ['HELLO\n', 'INFO\r\n', '\n', '\rHELLO\r\n\r', 'HELLO {"v":"2"}\r\n']) {
    const one = machine();
    one.handshake.greet(null);
    t.strictSame(hear(one, line), { kind: 'bad_hello', reason: 'bad_hello' }, line);
  }
});

t.test('a PROXY header or a TLS handshake instead of HELLO is recognised', async (t) => {
  const instead = [
    ['PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n', 'proxy_not_expected'],
    ['\r\n\r\n\0\r\nQUIT\n', 'proxy_not_expected'],
    // What is behind it may come later.
    ['\r\n', 'proxy_not_expected'],
    ['\x16', 'tls_not_offered'],
    ['\x16\x03\x01\x02\x00', 'tls_not_offered'],
  ] as const;
  for (const [text, reason] of instead) {
    const one = machine();
    one.handshake.greet(null);
    t.strictSame(hear(one, text), { kind: 'bad_hello', reason }, reason);
  }
});

t.test('a HELLO of 64 KiB may go on, one byte more may not', async (t) => {
  const endless = machine();
  endless.handshake.greet(null);
  t.strictSame(hear(endless, 'x'.repeat(64 * 1024)), { kind: 'more' });
  t.strictSame(hear(endless, 'x'), { kind: 'bad_hello', reason: 'bad_hello' });
});
