// Replies out of the server's bytes: whole, in order and byte for byte, however they arrive.

import { deepEqual, equal } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { ReplyParser, type ReplyTaker } from '../../src/protocol/reply-parser.ts';

const HELD_BYTES_MAX = 64 * 1024;

class Taker implements ReplyTaker {
  readonly whole: string[] = [];
  /** Pieces of each reply. */
  readonly pieces: number[] = [];
  wants = false;
  #parts: Buffer[] = [];

  onReply(reply: Buffer): void {
    this.onPiece(reply, true);
  }

  onPiece(piece: Buffer, last: boolean): void {
    this.#parts.push(Buffer.from(piece));
    if (!last) return;
    this.whole.push(Buffer.concat(this.#parts).toString('latin1'));
    this.pieces.push(this.#parts.length);
    this.#parts = [];
  }

  wantsWhole(): boolean {
    return this.wants;
  }
}

function bulk(body: string): string {
  return `$${body.length}\r\n${body}\r\n`;
}

function splitAt(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (let n = 0; at < bytes.length; n += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[n % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const word = fc.string({ unit: fc.constantFrom('a', ' ', '$', '-', '+', '\r', '1', ':') });
const replies = fc.oneof(
  word.map((text) => `+${text}\r\n`),
  word.map((text) => `-ERR ${text}\r\n`),
  fc.integer().map((n) => `:${n}\r\n`),
  fc.constant('$-1\r\n'),
  fc.string({ unit: fc.constantFrom('a', '\r', '\n', '$', '+', '\r\n+OK\r\n') }).map(bulk),
  fc.integer({ min: 0, max: 200_000 }).map((size) => bulk('x'.repeat(size))),
);

t.test('any replies in any split are given in order, byte for byte', async () => {
  const sizes = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 70_000 })),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(
      fc.array(replies, { maxLength: 12 }),
      sizes,
      fc.boolean(),
      (replies, sizes, wants) => {
        const taker = new Taker();
        taker.wants = wants;
        const parser = new ReplyParser(taker);
        for (const chunk of splitAt(Buffer.from(replies.join(''), 'latin1'), sizes)) {
          equal(parser.parse(chunk), true);
        }
        deepEqual(taker.whole, replies);
        equal(parser.isInsideReply, false);
        equal(parser.hasPassedOn, false);
        equal(parser.heldBytes, 0);
        replies.forEach((reply, n) => {
          if (wants || reply.length <= HELD_BYTES_MAX) equal(taker.pieces[n], 1);
        });
      },
    ),
    { numRuns: 200 },
  );
});

t.test('the bytes read may be overwritten, those passed on stay', async (t) => {
  const seen: Buffer[] = [];
  const parser = new ReplyParser({
    onReply: (reply) => seen.push(reply),
    onPiece: (piece) => seen.push(piece),
    wantsWhole: () => false,
  });
  const texts = ['+OK\r\n', bulk('job'), '$-1\r\n', '-ERR no\r\n'];
  for (const size of [1, 4, 7, 100]) {
    for (const chunk of splitAt(Buffer.from(texts.join('')), [size])) {
      const lent = Buffer.from(chunk);
      t.equal(parser.parse(lent), true);
      lent.fill('#');
    }
    t.same(seen.splice(0).map(String), texts);
  }
});

t.test(
  'a reply of n bytes is held to its end, of n + 1 it is streamed, then n again is held',
  async (t) => {
    const taker = new Taker();
    const parser = new ReplyParser(taker);
    for (const [size, pieces] of [
      [HELD_BYTES_MAX, 1],
      [HELD_BYTES_MAX + 1, 2],
      [HELD_BYTES_MAX, 1],
    ] as const) {
      parser.parse(Buffer.from('$99999\r\n'));
      parser.parse(Buffer.alloc(size - 8, 'x'));
      t.equal(parser.hasPassedOn, pieces === 2);
      t.equal(parser.heldBytes, pieces === 2 ? 0 : size);
      t.equal(parser.isInsideReply, true);
      parser.parse(Buffer.from(`${'x'.repeat(99_999 - size + 8)}\r\n`));
      t.equal(taker.pieces.at(-1), pieces);
      t.equal(taker.whole.at(-1)?.length, 99_999 + 10);
    }
  },
);

t.test('a reply whose taker wants it whole comes in one piece, whatever its size', async (t) => {
  const taker = new Taker();
  taker.wants = true;
  const parser = new ReplyParser(taker);
  const reply = bulk('x'.repeat(1_000_000));
  for (const chunk of splitAt(Buffer.from(reply), [65_536])) parser.parse(chunk);
  t.strictSame(taker.pieces, [1]);
  t.equal(taker.whole[0], reply);
});

t.test('bytes that are no reply are told, whole or byte by byte', async (t) => {
  for (const text of [
    '\r\n',
    'OK\r\n',
    '*1\r\n$2\r\nab\r\n',
    'HTTP/1.1 200 OK\r\n',
    '\0',
    '$\r\n',
    '$\n',
    '$-\r\n',
    '$-2\r\n',
    '$-1\n',
    '$-1x\n',
    '$+5\r\n',
    '$5\n',
    '$12\n',
    '$1x\n',
    '$5x\r\n',
    '$ 5\r\n',
    '$1.5\r\n',
    '$0x10\r\n',
    '$99999999999\r\n',
    '$00000000000000000000',
    '$2\r\nabcd',
    '$0\r\n+OK\r\n',
  ]) {
    t.equal(new ReplyParser(new Taker()).parse(Buffer.from(text)), false, JSON.stringify(text));
    const parser = new ReplyParser(new Taker());
    const goesOn = [...Buffer.from(text)].every((byte) => parser.parse(Buffer.from([byte])));
    t.equal(goesOn, false, `${JSON.stringify(text)}, byte by byte`);
  }
});

t.test('replies in front of garbage are passed on, nothing behind it is', async (t) => {
  const taker = new Taker();
  t.equal(new ReplyParser(taker).parse(Buffer.from('+OK\r\n:1\r\ngarbage\r\n+OK\r\n')), false);
  t.strictSame(taker.whole, ['+OK\r\n', ':1\r\n']);
});

t.test('the longest length that a bulk may have is read, split anywhere', async (t) => {
  const line = '$0000000002\r\n';
  for (let at = 1; at < line.length; at += 1) {
    const taker = new Taker();
    const parser = new ReplyParser(taker);
    t.ok(parser.parse(Buffer.from(line.slice(0, at))));
    t.ok(parser.parse(Buffer.from(`${line.slice(at)}ab\r\n`)));
    t.strictSame(taker.whole, [`${line}ab\r\n`]);
  }
});
