// Hot path. Which PUSHes may become elements of one PUSHB. Promise: such a PUSH can neither reach into
// another client's job nor be two jobs, and its failure can be told from the others' in the answer,
// which names jobs by jid; found in one pass over the bytes, without a string.
// Facts from Faktory v1.7.0: Go's encoding/json takes key names without regard to case, the last of
// two wins, and what is not Unicode becomes U+FFFD; manager/manager.go Push refuses every job whose jid
// is shorter than 8 bytes in the same words.

import { contentEnd, CR, SPACE } from './bytes.ts';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COLON,
  COMMA,
  LOWER,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  TAB,
  stringEnd,
} from './json-bytes.ts';

const PAYLOAD_START = 'PUSH '.length;
const NOT_ASCII = 0x80;
const J = 0x6a;
const I = 0x69;
const D = 0x64;
const JID_BYTES_MIN = 8;

/** The PUSH travels by itself. */
export const ALONE = -1;
/** It has no jid, or a short one: Faktory refuses it, and all like it in the same words. */
export const REFUSED_ALIKE = 0;

/**
 * The mark of the PUSH `line`: ALONE, REFUSED_ALIKE, or a number that two PUSHes with the same jid
 * share, and others hardly ever: they must not be in one PUSHB. A marked payload begins with a brace
 * that its last byte closes, and has at most one member that Faktory may take for the jid, a plain
 * string. It need not be valid JSON: then the PUSHB as a whole is not, and executes nothing.
 */
export function bulkMark(line: Buffer): number {
  const end = contentEnd(line);
  if (line[PAYLOAD_START] !== OPEN_BRACE) return ALONE;
  let depth = 0;
  /** Whether the next string is a key of the object itself. */
  let isKey = false;
  /** The quote that ends the jid; 0 before it is found. */
  let jidEnd = 0;
  for (let at = PAYLOAD_START; at < end; at += 1) {
    switch (line[at]) {
      case QUOTE:
        if (!isKey || depth !== 1) {
          at = stringEnd(line, at, end);
          break;
        }
        isKey = false;
        at = plainStringEnd(line, at, end);
        if (at === NOT_PLAIN) return ALONE;
        if (!isJidKey(line, at)) break;
        if (jidEnd !== 0) return ALONE;
        jidEnd = plainValueEnd(line, at + 1, end);
        if (jidEnd === NOT_PLAIN) return ALONE;
        at = jidEnd;
        break;
      case COMMA:
        if (depth === 1) isKey = true;
        break;
      case OPEN_BRACE:
        isKey = depth === 0;
        depth += 1;
        break;
      case OPEN_BRACKET:
        depth += 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        if (depth === 0) return at === end - 1 ? markOf(line, jidEnd) : ALONE;
        break;
      default:
    }
  }
  return ALONE;
}

const NOT_PLAIN = -1;

/** The same; NOT_PLAIN where none does, or where the bytes differ from the string. */
function plainStringEnd(line: Buffer, start: number, end: number): number {
  for (let at = start + 1; at < end; at += 1) {
    const byte = line[at] as number;
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH || byte >= NOT_ASCII) return NOT_PLAIN;
  }
  return NOT_PLAIN;
}

/** The quote that ends the plain string behind a key that ends before `from`, or NOT_PLAIN. */
function plainValueEnd(line: Buffer, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const byte = line[at];
    if (byte === QUOTE) return plainStringEnd(line, at, end);
    if (byte !== COLON && byte !== SPACE && byte !== TAB && byte !== CR) return NOT_PLAIN;
  }
  return NOT_PLAIN;
}

/** Whether Faktory takes the plain key that the quote at `end` ends for the jid. */
function isJidKey(line: Buffer, end: number): boolean {
  return (
    line[end - 4] === QUOTE &&
    ((line[end - 3] as number) | LOWER) === J &&
    ((line[end - 2] as number) | LOWER) === I &&
    ((line[end - 1] as number) | LOWER) === D
  );
}

/** FNV-1a over the bytes of the plain jid that the quote at `end` ends, from its end to its start. */
function markOf(line: Buffer, end: number): number {
  if (end === 0) return REFUSED_ALIKE;
  let hash = 0x811c9dc5;
  let at = end - 1;
  for (; line[at] !== QUOTE; at -= 1) {
    hash = Math.imul(hash ^ (line[at] as number), 0x01000193);
  }
  return end - 1 - at < JID_BYTES_MIN ? REFUSED_ALIKE : (hash >>> 2) + 1;
}
