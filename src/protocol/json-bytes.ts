// Hot path. The bytes of JSON that those look at who read a field without parsing the rest. Promise: a
// string's end is found in whatever bytes there are; nothing is allocated.

import { CR, SPACE } from './bytes.ts';

export const TAB = 0x09;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const COLON = 0x3a;
export const OPEN_BRACKET = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_BRACKET = 0x5d;
export const OPEN_BRACE = 0x7b;
export const CLOSE_BRACE = 0x7d;
/** Makes an ASCII letter lower case. */
export const LOWER = 0x20;

/** Strings are walked so far; the end of a longer one is searched for. */
const WALKED_BYTES = 48;

/** The quote that ends the string that begins at `open`; `end` where none does. */
export function stringEnd(line: Buffer, open: number, end: number): number {
  let at = open + 1;
  for (;;) {
    const near = Math.min(end, at + WALKED_BYTES);
    while (at < near) {
      const byte = line[at];
      if (byte === QUOTE) return at;
      at += byte === BACKSLASH ? 2 : 1;
    }
    if (at >= end) return end;
    const quote = line.indexOf(QUOTE, at);
    if (quote === -1 || quote >= end) return end;
    let run = quote;
    while (run > at && line[run - 1] === BACKSLASH) run -= 1;
    if ((quote - run) % 2 === 0) return quote;
    at = quote + 1;
  }
}

/** The first byte of the value behind a key that ends before `from`; `end` where there is none. */
export function valueStart(line: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end && isColonOrSpace(line[at])) at += 1;
  return at;
}

function isColonOrSpace(byte: number | undefined): boolean {
  return byte === COLON || byte === SPACE || byte === TAB || byte === CR;
}
