// JSON as Faktory reads it (Go's encoding/json into a struct). Promise: where Go and JavaScript
// could take one text for two things, the caller sees every candidate.

import { isUtf8 } from 'node:buffer';

/** One member of a JSON object; its value as it was written. */
export interface Member {
  readonly key: string;
  readonly source: string;
}

/** How deep Go lets objects and lists stand in each other (encoding/json/scanner.go maxNestingDepth). */
const DEPTH_MAX = 10_000;

/**
 * The members of the JSON object `text` in their order, or null for any other text. JSON.parse
 * keeps the last of two equal keys only; Go keeps the first where the last is null.
 */
export function goMembers(text: string): Member[] | null {
  if (parseJsonObject(text) === null) return null;
  const members: Member[] = [];
  let keyStart = text.indexOf('"');
  while (keyStart !== -1) {
    const keyEnd = stringEnd(text, keyStart);
    const start = text.indexOf(':', keyEnd) + 1;
    const end = valueEnd(text, start);
    if (end === TOO_DEEP) return null;
    const key = JSON.parse(text.slice(keyStart, keyEnd)) as string;
    members.push({ key, source: text.slice(start, end).trim() });
    keyStart = text.indexOf('"', end);
  }
  return members;
}

/**
 * Every value that Go could take for the struct field `name` (lower case ASCII), in order, as it was
 * written: key names match without regard to case, and U+017F and U+212A fold to s and k.
 */
export function goFieldSources(members: readonly Member[], name: string): string[] {
  const found: string[] = [];
  for (const { key, source } of members) {
    if (key === name || fold(key) === name) found.push(source);
  }
  return found;
}

/** The same, as values. */
export function goFieldCandidates(members: readonly Member[], name: string): unknown[] {
  return goFieldSources(members, name).map((source) => JSON.parse(source) as unknown);
}

/**
 * The text that Go has in the string field `name`, empty if there is none; null if it reads none of
 * the whole. It leaves a field that is absent or null as it was: at its zero value, or at an earlier one's.
 */
export function goTextField(members: readonly Member[], name: string): string | null {
  let text = '';
  for (const value of goFieldCandidates(members, name)) {
    if (value === null) continue;
    if (typeof value !== 'string') return null;
    text = value.toWellFormed();
  }
  return text;
}

/** The text of bytes as Go reads it: each byte that is not UTF-8 becomes one U+FFFD. */
export function goText(bytes: Buffer): string {
  if (isUtf8(bytes)) return bytes.toString();
  let text = '';
  let start = 0;
  for (let at = 0; at < bytes.length;) {
    const length = characterLength(bytes, at);
    if (length === 0) {
      text += `${bytes.toString('utf8', start, at)}\ufffd`;
      start = at + 1;
    }
    at += length || 1;
  }
  return text + bytes.toString('utf8', start);
}

/** How many bytes the character at `at` takes; 0 if there is none. */
function characterLength(bytes: Buffer, at: number): number {
  const first = bytes[at] ?? 0;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** The index behind the string that starts at `start`, in valid JSON. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

const TOO_DEEP = -1;

/** The index of the comma or brace behind the value that starts at `start`, in valid JSON; or TOO_DEEP. */
function valueEnd(text: string, start: number): number {
  let depth = 0;
  for (let at = start; ; at += 1) {
    switch (text[at]) {
      case '"':
        at = stringEnd(text, at) - 1;
        break;
      case '{':
      case '[':
        depth += 1;
        // The object that the value belongs to is one deep already.
        if (depth >= DEPTH_MAX) return TOO_DEEP;
        break;
      case '}':
      case ']':
        if (depth === 0) return at;
        depth -= 1;
        break;
      case ',':
        if (depth === 0) return at;
        break;
      default:
    }
  }
}

function fold(key: string): string {
  return key.toLowerCase().replaceAll('\u017f', 's').replaceAll('\u212a', 'k');
}

/** A JSON object, or null for any other text. */
export function parseJsonObject(text: string): object | null {
  const value = parseJson(text);
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

/** The value of a JSON text, or null for any other text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
