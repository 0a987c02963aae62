// Hot path. Several clients' PUSHes as one PUSHB. Promise: PUSHB stores and refuses the jobs that as
// many PUSHes would have, and its answer names those that failed, and why.
// Facts from Faktory v1.7.0: server/commands.go push and pushBulk hand each job to the same
// manager.Push; pushBulk executes nothing when its JSON does not parse, and answers with a map from
// the jid of each job that failed to the error's text. One difference: push decodes "retry" into
// Faktory's own default, so that it holds for later jobs without one; pushBulk does not.

import { contentEnd } from './bytes.ts';
import { goFieldCandidates, goMembers, parseJsonObject } from './go-json.ts';
import { isWordOfRedis } from './redis-errors.ts';
import { bulkBody } from './replies.ts';

const PREFIX = Buffer.from('PUSHB [');
const SUFFIX = Buffer.from(']\r\n');
const PAYLOAD_START = 'PUSH '.length;
const COMMA = 0x2c;

/** One PUSHB line of PUSH lines, each of which has a mark (bulk-mark.ts). */
export function pushbLine(pushes: readonly { readonly line: Buffer }[]): Buffer {
  let length = PREFIX.length + pushes.length - 1 + SUFFIX.length;
  for (const { line } of pushes) length += contentEnd(line) - PAYLOAD_START;
  const bulk = Buffer.allocUnsafe(length);
  let at = PREFIX.copy(bulk);
  for (const { line } of pushes) {
    if (at > PREFIX.length) {
      bulk[at] = COMMA;
      at += 1;
    }
    at += line.copy(bulk, at, PAYLOAD_START, contentEnd(line));
  }
  SUFFIX.copy(bulk, at);
  return bulk;
}

export type BulkOutcome =
  | { readonly kind: 'all_stored' }
  /** The others are stored. */
  | { readonly kind: 'some_failed'; readonly textByJid: ReadonlyMap<string, string> }
  /** Faktory could not read it: no job is stored. */
  | { readonly kind: 'not_executed' }
  /** Nothing that Faktory is known to answer. */
  | { readonly kind: 'unknown' };

const ALL_STORED = Buffer.from('$2\r\n{}\r\n');
const NOT_EXECUTED = '-ERR invalid JSON: ';

/** The meaning of the whole reply to a PUSHB. */
export function bulkOutcome(reply: Buffer): BulkOutcome {
  if (reply.equals(ALL_STORED)) return { kind: 'all_stored' };
  if (isUnreadable(reply)) return { kind: 'not_executed' };
  const map = parseJsonObject(bulkBody(reply)?.toString() ?? '');
  if (map === null) return { kind: 'unknown' };
  const texts = Object.entries(map).filter((entry): entry is [string, string] => {
    return typeof entry[1] === 'string';
  });
  return { kind: 'some_failed', textByJid: new Map(texts) };
}

/** Whether Faktory could not read the JSON of the PUSH or PUSHB that `reply` answers. */
export function isUnreadable(reply: Buffer): boolean {
  return reply.toString('latin1', 0, NOT_EXECUTED.length) === NOT_EXECUTED;
}

/**
 * The jid that Faktory reads in a PUSH line, empty if there is none; null if it might read
 * another: of two that fold to one key, or of one that is not Unicode, which it repairs in its own way.
 */
export function jidOf(line: Buffer): string | null {
  const members = goMembers(line.toString('utf8', PAYLOAD_START, contentEnd(line)));
  if (members === null) return null;
  const candidates = goFieldCandidates(members, 'jid');
  if (candidates.length === 0) return '';
  const [only] = candidates;
  if (candidates.length > 1 || typeof only !== 'string') return null;
  return only.isWellFormed() && !only.includes('\ufffd') ? only : null;
}

/** An error's code, where it is not ERR: a middleware sets it (manager/manager.go KnownError). */
const CODED = /^[A-Z][A-Z0-9_]* /;

/** The reply that the PUSH would have got for the error `text`. */
export function pushErrorLine(text: string): Buffer {
  const isCoded = CODED.test(text) && !isWordOfRedis(text);
  return Buffer.from(isCoded ? `-${text}\r\n` : `-ERR ${text}\r\n`);
}
