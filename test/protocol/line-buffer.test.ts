// Lines out of bytes: whatever the network's pieces are, the lines are the same.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as fc from 'fast-check';
import t from 'tap';
import { LineBuffer } from '../../src/protocol/line-buffer.ts';

function taken(lines: LineBuffer): string[] {
  const texts: string[] = [];
  for (let line = lines.next(); line !== null; line = lines.next())
    texts.push(line.toString('latin1'));
  return texts;
}

/** Bytes with many line ends, and where to cut them. */
const cutBytes = fc.record({
  bytes: fc
    .array(fc.constantFrom(0x0a, 0x0d, 0x20, 0x41, 0xff, 0x00), { maxLength: 200 })
    .map((bytes) => Buffer.from(bytes)),
  cuts: fc.array(fc.nat(200), { maxLength: 30 }),
});

function pieces(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end));
}

t.test('any split of the bytes gives the same lines, and keeps the unfinished one', async () => {
  fc.assert(
    fc.property(cutBytes, ({ bytes, cuts }) => {
      const text = bytes.toString('latin1');
      const wholeLines = text.match(/[^\n]*\n/g) ?? [];
      const lines = new LineBuffer();
      const got: string[] = [];
      for (const piece of pieces(bytes, cuts)) {
        lines.push(Buffer.from(piece));
        got.push(...taken(lines));
      }
      deepEqual(got, wholeLines);
      equal(lines.partialLength, text.length - wholeLines.join('').length);
      equal(lines.length, lines.partialLength);
    }),
  );
});

t.test('chunks that are pushed before the lines are taken give the same lines', async () => {
  fc.assert(
    fc.property(cutBytes, fc.nat(5), ({ bytes, cuts }, takeEvery) => {
      const wholeLines = bytes.toString('latin1').match(/[^\n]*\n/g) ?? [];
      const lines = new LineBuffer();
      const got: string[] = [];
      let pushed = 0;
      pieces(bytes, cuts).forEach((piece, n) => {
        lines.push(piece);
        pushed += piece.length;
        const line = n % (takeEvery + 1) === 0 ? lines.next() : null;
        if (line !== null) got.push(line.toString('latin1'));
        equal(lines.length, pushed - got.join('').length);
      });
      got.push(...taken(lines));
      deepEqual(got, wholeLines);
    }),
  );
});

t.test('the bytes added may be overwritten, those of a line stay', async (t) => {
  const lines = new LineBuffer();
  for (const text of ['PUSH {}\r\n', 'ACK {}\nEND\nha', 'lf\n']) {
    const lent = Buffer.from(text);
    lines.push(lent);
    lent.fill('#');
  }
  t.same(taken(lines), ['PUSH {}\r\n', 'ACK {}\n', 'END\n', 'half\n']);
});

t.test('long lines of two peers that share chunks in turns stay apart', async () => {
  const line = (mark: string, bytes: number) => `${mark.repeat(bytes)}\n`;
  const sizes = fc.array(fc.integer({ min: 1, max: 200_000 }), { minLength: 1, maxLength: 4 });
  const steps = fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(sizes, sizes, steps, (ofOne, ofOther, cuts) => {
      const peers = [ofOne, ofOther].map((lengths, peer) => ({
        lines: new LineBuffer(),
        sent: Buffer.from(
          lengths.map((bytes, n) => line('abcdefgh'.charAt(2 * n + peer), bytes)).join(''),
        ),
        at: 0,
        got: [] as string[],
      }));
      for (let turn = 0; peers.some(({ at, sent }) => at < sent.length); turn += 1) {
        for (const peer of peers) {
          const cut = cuts[turn % cuts.length] ?? 1;
          const lent = Buffer.from(peer.sent.subarray(peer.at, peer.at + cut));
          peer.at += lent.length;
          peer.lines.push(lent);
          lent.fill('#');
          peer.got.push(...taken(peer.lines));
        }
      }
      for (const { sent, got } of peers) ok(got.join('') === sent.toString(), 'lines differ');
    }),
    { numRuns: 60 },
  );
});

t.test('what is sent byte by byte keeps none of the chunks that it came in', async (t) => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const clients = Array.from({ length: 500 }, () => new LineBuffer());
  // A chunk of the network's is much larger than what is read from it.
  for (const lines of clients) {
    for (let n = 0; n < 3; n += 1) lines.push(Buffer.alloc(65_536, 'x').subarray(0, 1));
    equal(lines.next(), null);
  }
  // What is collected is given back by a thread, in its own time.
  let held = Infinity;
  for (let tries = 0; tries < 50 && held >= 500 * 8192; tries += 1) {
    collectGarbage();
    await setImmediate();
    held = process.memoryUsage().arrayBuffers - before;
  }
  t.ok(held < 500 * 8192, `${held} bytes are held for 1500`);
  const first = clients[0];
  first?.push(Buffer.from('\n'));
  t.equal(first?.next()?.toString(), 'xxx\n');
});

t.test('bytes handed out before stay as they were when more arrives', async (t) => {
  const lines = new LineBuffer();
  lines.push(Buffer.from('on'));
  t.equal(lines.next(), null);
  lines.push(Buffer.from('e\ntw'));
  const one = lines.next();
  t.equal(lines.next(), null);
  lines.push(Buffer.from('o\n'));
  const two = lines.next();
  t.equal(one?.toString(), 'one\n');
  t.equal(two?.toString(), 'two\n');
});

t.test('clearing forgets the unfinished line and what had not been taken', async (t) => {
  const lines = new LineBuffer();
  lines.push(Buffer.from('half'));
  t.equal(lines.next(), null);
  lines.push(Buffer.from(' line\nanother\n'));
  lines.clear();
  t.equal(lines.length, 0);
  t.equal(lines.next(), null);
  lines.push(Buffer.from('new\n'));
  t.equal(lines.next()?.toString(), 'new\n');
});
