// What a job says of itself: jid, queue and job type, read from the bytes without parsing the rest.
// Promise: no more is read than it takes to find all three, and a text that is not a job gives empty
// fields, never an error. Only for counting: a job in which a key stands twice may be misread.

import { contentEnd } from './bytes.ts';
import {
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
  stringEnd,
  valueStart,
} from './json-bytes.ts';

export interface JobFields {
  /** Empty if the job does not say. */
  readonly jid: string;
  readonly queue: string;
  readonly jobtype: string;
}

type Field = keyof JobFields;

/** A longer value is taken for none: it could be no label. */
const VALUE_BYTES_MAX = 128;
/** What of one job is read. Clients and Faktory write these fields before the arguments. */
const JOB_BYTES_MAX = 64 * 1024;
/** What of a PUSHB is read; jobs behind that are not seen. */
const BULK_BYTES_MAX = 1024 * 1024;

const KEYS: readonly (readonly [Field, Buffer])[] = [
  ['jid', Buffer.from('jid')],
  ['queue', Buffer.from('queue')],
  ['jobtype', Buffer.from('jobtype')],
];

/** The job that begins at or after `start`. */
export function jobFields(bytes: Buffer, start: number): JobFields {
  const end = Math.min(bytes.length, start + JOB_BYTES_MAX);
  const found = { jid: '', queue: '', jobtype: '' };
  scan(bytes, bytes.indexOf(OPEN_BRACE, start), end, found, true);
  return found;
}

/** The jobs of a PUSHB line, as far as it is read. */
export function bulkJobFields(line: Buffer): readonly JobFields[] {
  const end = Math.min(contentEnd(line), BULK_BYTES_MAX);
  const jobs: JobFields[] = [];
  let at = line.indexOf(OPEN_BRACE);
  while (at !== -1 && at < end) {
    const found = { jid: '', queue: '', jobtype: '' };
    const next = scan(line, at, end, found, false);
    if (next >= end) break;
    jobs.push(found);
    at = line.indexOf(OPEN_BRACE, next);
  }
  return jobs;
}

/**
 * Reads the object that begins at `start` into `found`. Returns where it ended: behind its brace, or at
 * the last field that was wanted if `isEnough`; `end` or more where it is not whole.
 */
function scan(
  bytes: Buffer,
  start: number,
  end: number,
  found: Record<Field, string>,
  isEnough: boolean,
): number {
  if (start < 0) return end;
  let depth = 0;
  let isKey = false;
  let missing = KEYS.length;
  for (let at = start; at < end; at += 1) {
    switch (bytes[at]) {
      case QUOTE: {
        const close = stringEnd(bytes, at, end);
        if (isKey && depth === 1) {
          isKey = false;
          const field = fieldOf(bytes, at + 1, close);
          const value = field === null ? end : valueStart(bytes, close + 1, end);
          if (field !== null && bytes[value] === QUOTE) {
            at = stringEnd(bytes, value, end);
            if (at < end) found[field] = textOf(bytes, value + 1, at);
            missing -= 1;
            if (isEnough && missing === 0) return at;
            break;
          }
        }
        at = close;
        break;
      }
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
        if (depth === 0) return at + 1;
        break;
      default:
    }
  }
  return end;
}

function fieldOf(bytes: Buffer, start: number, end: number): Field | null {
  for (const [field, key] of KEYS) {
    if (end - start === key.length && bytes.compare(key, 0, key.length, start, end) === 0) {
      return field;
    }
  }
  return null;
}

/** Escapes stay as they are written: such a text is not one that Faktory's clients make. */
function textOf(bytes: Buffer, start: number, end: number): string {
  return end - start > VALUE_BYTES_MAX ? '' : bytes.toString('utf8', start, end);
}
