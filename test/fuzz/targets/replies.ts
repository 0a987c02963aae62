// The reply parser: any split of the bytes gives the same replies, and what is passed on is what came.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { ReplyParser } from '../../../src/protocol/reply-parser.ts';
import { bulkOutcome } from '../../../src/protocol/bulk.ts';
import { parseFetchedJob } from '../../../src/protocol/job.ts';
import { bulkBody } from '../../../src/protocol/replies.ts';
import type { Target } from '../target.ts';

interface Parsed {
  readonly replies: readonly Buffer[];
  readonly isValid: boolean;
  readonly isInside: boolean;
}

/** The first byte says how the others are split. */
function run(input: Buffer): void {
  const bytes = input.subarray(1);
  const whole = parse(bytes, bytes.length, false);
  const split = parse(bytes, 1 + ((input[0] ?? 0) & 0x0f), ((input[0] ?? 0) & 0x10) !== 0);
  deepEqual(split.replies, whole.replies);
  equal(split.isValid, whole.isValid);
  if (whole.isValid) equal(split.isInside, whole.isInside);
  const passedOn = Buffer.concat(whole.replies);
  ok(bytes.subarray(0, passedOn.length).equals(passedOn));
  if (whole.isValid && !whole.isInside) equal(passedOn.length, bytes.length);
  for (const reply of whole.replies) {
    ok(reply.length > 1 && reply.at(-1) === 0x0a);
    bulkOutcome(reply);
    parseFetchedJob(reply);
    const body = bulkBody(reply);
    if (body !== null) ok(body.length < reply.length);
  }
}

function parse(bytes: Buffer, size: number, wantsWhole: boolean): Parsed {
  const replies: Buffer[] = [];
  let pieces: Buffer[] = [];
  const parser = new ReplyParser({
    onReply: (reply) => void replies.push(reply),
    onPiece: (piece, last) => {
      pieces.push(piece);
      if (!last) return;
      replies.push(Buffer.concat(pieces));
      pieces = [];
    },
    wantsWhole: () => wantsWhole,
  });
  let isValid = true;
  for (let at = 0; at < bytes.length && isValid; at += size) {
    // What is lent is overwritten afterwards.
    const lent = Buffer.from(bytes.subarray(at, at + size));
    isValid = parser.parse(lent);
    lent.fill('#');
  }
  return { replies, isValid, isInside: parser.isInsideReply };
}

export const replies: Target = {
  name: 'replies',
  seeds: [
    '\x01+OK\r\n-ERR no\r\n:5\r\n$-1\r\n$0\r\n\r\n',
    '\x02$5\r\nhello\r\n+OK\r\n',
    '\x03$36\r\n{"jid":"12345678","queue":"default"}\r\n',
    '\x04$17\r\n{"jid":"a problem"}\r\n',
  ],
  dictionary: [
    '+',
    '-',
    ':',
    '$',
    '\r\n',
    '\n',
    '\r',
    '-1',
    '0',
    '10',
    '+OK\r\n',
    '$-1\r\n',
    '$3\r\nabc\r\n',
    '9999999999',
    '00',
    '-ERR ',
  ],
  run,
};
