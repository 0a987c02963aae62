// Hot path. Which texts a payload gives one field of its jobs. Promise: the text is the one that Faktory
// would store; one pass over the bytes finds it, and only a short text with an escape is made a string.
// Facts from Go's encoding/json: key names match without regard to case, the last of two members wins,
// null leaves the field as it was, and any other value that is not text makes Faktory refuse the line. What
// is not JSON is refused as well, so what is found in it is of no importance.

import { contentEnd } from './bytes.ts';
import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  LOWER,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  stringEnd,
  valueStart,
} from './json-bytes.ts';

/** What an escaped ASCII character takes at most: \u0071. */
const ESCAPE_BYTES_MAX = 6;

/** A field, and the texts that it is searched for. */
export interface SoughtField {
  /** Lower case ASCII letters without k and s, the two that Go also finds in U+212A and U+017F. */
  readonly name: string;
  /** How deep its object lies: 1 for the payload itself, 2 for an element of its list. */
  readonly depth: 1 | 2;
  /** The longest text that can be wanted. */
  readonly textBytesMax: number;
  /** Whether `bytes` from `start` up to `end`, which are ASCII or match nothing, are a text that is sought. */
  readonly isSought: (bytes: Buffer, start: number, end: number) => boolean;
}

/** Whether an object in `line` from `start` on has such a text in the field. */
export function hasSoughtText(line: Buffer, start: number, field: SoughtField): boolean {
  const end = contentEnd(line);
  let depth = 0;
  /** Whether the next string is a key of an object that counts. */
  let isKey = false;
  let isFound = false;
  for (let at = start; at < end; at += 1) {
    switch (line[at]) {
      case QUOTE: {
        const open = at;
        at = stringEnd(line, open, end);
        if (!isKey) break;
        isKey = false;
        if (!isNameOf(field, line, open + 1, at)) break;
        const value = valueStart(line, at + 1, end);
        if (line[value] !== QUOTE) {
          at = value - 1;
          break;
        }
        at = stringEnd(line, value, end);
        isFound = isTextOf(field, line, value + 1, at);
        break;
      }
      case COMMA:
        isKey = depth === field.depth;
        break;
      case OPEN_BRACE:
        depth += 1;
        isKey = depth === field.depth;
        if (isKey) isFound = false;
        break;
      case OPEN_BRACKET:
        depth += 1;
        break;
      case CLOSE_BRACE:
        if (isFound && depth === field.depth) return true;
        depth -= 1;
        break;
      case CLOSE_BRACKET:
        depth -= 1;
        break;
      default:
    }
  }
  return false;
}

/** Whether one of the list's objects in `line`, from `start` on, is longer than `bytesMax`. */
export function hasElementOver(line: Buffer, start: number, bytesMax: number): boolean {
  const end = contentEnd(line);
  let depth = 0;
  let elementStart = start;
  for (let at = start; at < end; at += 1) {
    switch (line[at]) {
      case QUOTE:
        at = stringEnd(line, at, end);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        if (depth === 2) elementStart = at;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (depth === 2 && at + 1 - elementStart > bytesMax) return true;
        depth -= 1;
        break;
      default:
    }
  }
  return false;
}

function isNameOf({ name }: SoughtField, line: Buffer, start: number, end: number): boolean {
  const length = end - start;
  if (length === name.length) {
    for (let i = 0; i < length; i += 1) {
      if (((line[start + i] as number) | LOWER) !== name.charCodeAt(i)) return false;
    }
    return true;
  }
  if (length < name.length || length > name.length * ESCAPE_BYTES_MAX) return false;
  return unescaped(line, start, end)?.toLowerCase() === name;
}

function isTextOf(field: SoughtField, line: Buffer, start: number, end: number): boolean {
  if (end - start > field.textBytesMax * ESCAPE_BYTES_MAX) return false;
  if (field.isSought(line, start, end)) return true;
  const text = unescaped(line, start, end);
  if (text === null) return false;
  // Other characters become something that is no ASCII text either.
  const bytes = Buffer.from(text);
  return field.isSought(bytes, 0, bytes.length);
}

/** The text between the quotes, null if it has no escapes or is not JSON. */
function unescaped(line: Buffer, start: number, end: number): string | null {
  let at = start;
  while (at < end && line[at] !== BACKSLASH) at += 1;
  if (at === end) return null;
  try {
    return JSON.parse(line.toString('utf8', start - 1, end + 1)) as string;
  } catch {
    return null;
  }
}
