// Hot path. Queue names that Faktory uses as keys of its own data in Redis. Promise: no PUSH, PUSHB, FETCH
// or QUEUE that names one is taken for harmless, however the name is written; no other name is found.
// Facts from Faktory v1.7.0: queue names are Redis keys without a prefix. A PUSH to `retries` answers
// +OK, and from then on every retry fails with WRONGTYPE (storage/redis.go, storage/sorted_redis.go,
// storage/history.go).

import { contentEnd, SPACE } from './bytes.ts';
import { hasSoughtText, type SoughtField } from './json-field.ts';

export const RESERVED_QUEUES = [
  'queues',
  'paused',
  'scheduled',
  'retries',
  'dead',
  'working',
  'processed',
  'failures',
] as const;

/** Behind each stands a date, such as 2026-11-26. */
const DATED = [Buffer.from('processed:'), Buffer.from('failures:')] as const;
const DATE_BYTES = 10;
const DASH = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const NAME_BYTES_MAX = 'processed:'.length + DATE_BYTES;

/** The names by their length. */
const BY_LENGTH: readonly (readonly Buffer[])[] = Array.from(
  { length: NAME_BYTES_MAX },
  (_, length) =>
    RESERVED_QUEUES.filter((name) => name.length === length).map((name) => Buffer.from(name)),
);
const NONE: readonly Buffer[] = [];

const QUEUE_OF_JOB: SoughtField = {
  name: 'queue',
  depth: 1,
  textBytesMax: NAME_BYTES_MAX,
  isSought: isReserved,
};
const QUEUE_OF_ELEMENT: SoughtField = { ...QUEUE_OF_JOB, depth: 2 };

/** Whether the job of a PUSH line would go to a reserved queue. */
export function pushIsReserved(line: Buffer): boolean {
  return hasSoughtText(line, 'PUSH '.length, QUEUE_OF_JOB);
}

/** Whether a job of a PUSHB line would go to a reserved queue. */
export function pushbIsReserved(line: Buffer): boolean {
  return hasSoughtText(line, 'PUSHB '.length, QUEUE_OF_ELEMENT);
}

/** Whether a FETCH line names a reserved queue. */
export function fetchIsReserved(line: Buffer): boolean {
  return namesReserved(line, 'FETCH'.length);
}

/** Whether a QUEUE line names a reserved queue; its first argument is the action. */
export function queueIsReserved(line: Buffer): boolean {
  const action = line.indexOf(SPACE, 'QUEUE '.length);
  return action !== -1 && namesReserved(line, action);
}

/** Whether one of the names behind the space at `from` is reserved. */
function namesReserved(line: Buffer, from: number): boolean {
  const end = contentEnd(line);
  let start = from + 1;
  for (let at = start; at <= end; at += 1) {
    if (at < end && line[at] !== SPACE) continue;
    if (isReserved(line, start, at)) return true;
    start = at + 1;
  }
  return false;
}

function isReserved(bytes: Buffer, start: number, end: number): boolean {
  const length = end - start;
  for (const name of BY_LENGTH[length] ?? NONE) if (startsWith(bytes, start, name)) return true;
  if (length <= DATE_BYTES) return false;
  const date = end - DATE_BYTES;
  for (const name of DATED) {
    if (date - start !== name.length || !startsWith(bytes, start, name)) continue;
    if (isDate(bytes, date, end)) return true;
  }
  return false;
}

/** Digits and dashes only. */
function isDate(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte !== DASH && (byte < ZERO || byte > NINE)) return false;
  }
  return true;
}

function startsWith(bytes: Buffer, start: number, name: Buffer): boolean {
  for (let i = 0; i < name.length; i += 1) if (bytes[start + i] !== name[i]) return false;
  return true;
}
