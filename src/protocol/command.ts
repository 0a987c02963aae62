// Hot path. A client's command. Promise: its verb is what Faktory would take it for, read from the
// bytes without making a string of them; the line is passed on as it came.
// Facts from Faktory v1.7.0: server/connection.go, server/commands.go (CommandSet).

import type { LostFate } from './after-loss.ts';
import type { Verb } from './verbs.ts';
import { contentEnd, SPACE } from './bytes.ts';

/** The reader of the reply to a command. */
export interface ReplySink {
  /** A piece of the reply; `last` ends it. A FETCH's reply comes in one piece. */
  onReply(command: Command, piece: Buffer, last: boolean): void;
  /** The server connection was lost before the reply's end. */
  onLost(command: Command, fate: LostFate): void;
}

/** Faktory works off what is before it, and closes without a reply. */
export const END_LINE = Buffer.from('END\r\n');

/** Before every instant. */
export const UNSENT = -1;

/** One line from a client, its LF included. */
export class Command {
  readonly verb: Verb;
  readonly line: Buffer;
  /** When it was read; monotonic ms. */
  readonly readAt: number;
  readonly sink: ReplySink;
  /** When it was written to its server connection, monotonic ms; UNSENT before. The connection's. */
  sentAt = UNSENT;
  /** For how long Faktory may have worked on it, in milliseconds; known when its reply has ended. */
  workedMs = 0;

  constructor(verb: Verb, line: Buffer, readAt: number, sink: ReplySink) {
    this.verb = verb;
    this.line = line;
    this.readAt = readAt;
    this.sink = sink;
  }
}

/** Four bytes as one number, so that a verb is found by comparing numbers. */
function word(a: number, b: number, c: number, d: number): number {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

function wordOf(text: string): number {
  return word(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2), text.charCodeAt(3));
}

const PUSH = wordOf('PUSH');
const FAIL = wordOf('FAIL');
const BEAT = wordOf('BEAT');
const INFO = wordOf('INFO');
const FETC = wordOf('FETC');
const FLUS = wordOf('FLUS');
const QUEU = wordOf('QUEU');
const BATC = wordOf('BATC');
const TRAC = wordOf('TRAC');
const ACK_ = wordOf('ACK ');
const END_ = wordOf('END ');
const MUTA = wordOf('MUTA');

const LONGEST_VERB = 6;
const H = 0x48;
const E = 0x45;
const B = 0x42;
const K = 0x4b;
const T = 0x54;

/** The line's verb: its bytes up to the first space or its end, exactly as Faktory compares them. */
export function verbOf(line: Buffer): Verb {
  const end = contentEnd(line);
  let length = 0;
  while (length < end && length <= LONGEST_VERB && line[length] !== SPACE) length += 1;
  const byte3 = length === 3 ? SPACE : (line[3] ?? 0);
  const first = word(line[0] ?? 0, line[1] ?? 0, line[2] ?? 0, byte3);
  switch (length) {
    case 3:
      if (first === ACK_) return 'ACK';
      if (first === END_) return 'END';
      return 'OTHER';
    case 4:
      if (first === PUSH) return 'PUSH';
      if (first === BEAT) return 'BEAT';
      if (first === FAIL) return 'FAIL';
      if (first === INFO) return 'INFO';
      return 'OTHER';
    case 5:
      return verbOfFive(first, line[4] ?? 0);
    case 6:
      return first === MUTA && line[4] === T && line[5] === E ? 'MUTATE' : 'OTHER';
    default:
      return 'OTHER';
  }
}

function verbOfFive(first: number, last: number): Verb {
  if (first === FETC && last === H) return 'FETCH';
  if (first === PUSH && last === B) return 'PUSHB';
  if (first === FLUS && last === H) return 'FLUSH';
  if (first === QUEU && last === E) return 'QUEUE';
  if (first === BATC && last === H) return 'BATCH';
  if (first === TRAC && last === K) return 'TRACK';
  return 'OTHER';
}

/** The queues that a FETCH line names, in its order (Faktory splits at every single space). */
export function fetchQueues(line: Buffer): string[] {
  return line.toString('utf8', 0, contentEnd(line)).split(' ').slice(1);
}
