// JSON as Faktory reads it (Go's encoding/json into a struct). Promise: where Go and JavaScript
// could take one text for two things, the caller sees every candidate.

/** One member of a JSON object; its value as it was written. */
export interface Member {
  readonly key: string;
  readonly source: string;
}

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
    const key = JSON.parse(text.slice(keyStart, keyEnd)) as string;
    members.push({ key, source: text.slice(start, end) });
    keyStart = text.indexOf('"', end);
  }
  return members;
}

/**
 * Every value that Go could take for the struct field `name` (lower case ASCII), in order: key
 * names match without regard to case, and U+017F and U+212A fold to s and k.
 */
export function goFieldCandidates(members: readonly Member[], name: string): unknown[] {
  const found: unknown[] = [];
  for (const { key, source } of members) {
    if (key === name || fold(key) === name) found.push(JSON.parse(source));
  }
  return found;
}

/** The index behind the string that starts at `start`, in valid JSON. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}

/** The index of the comma or brace behind the value that starts at `start`, in valid JSON. */
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
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}
