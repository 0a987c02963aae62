// What Faktory's error replies report about its Redis. Promise: a text that a client chose, and that
// Faktory repeats, is never taken for a word of Redis. Pure.
// Facts: Faktory v1.7.0 manager/fetch.go, manager/working.go, storage/queue_redis.go and
// storage/redis.go put these words in front of an error; go-redis v9.0.2 error.go and
// internal/pool/pool.go have the texts for a Redis that does not answer.

import { contentEnd } from './bytes.ts';

export type RedisTrouble =
  /** Redis answered that it does not execute the command. `reason`: its own words, for people. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** Redis did not answer in time, or cannot be reached. */
  | { readonly kind: 'silent'; readonly reason: string };

const REASON_LENGTH_MAX = 200;

/** What Faktory writes in front of what Redis, or go-redis, said; a queue's name as Go quotes it. */
const WRAPPERS = [
  /^cannot add element in the working set: /,
  /^cannot get "(?:[^"\\]|\\.)*" queue: /,
  /^Unable to store queue name: /,
];

/** Redis's codes for "not now", whichever command it is, as far as it writes. */
const REFUSED = /^(?:MISCONF|OOM|NOREPLICAS|READONLY|BUSY|MASTERDOWN) /;

/** go-redis has waited, or found no connection; or Redis has none to give, or is still loading. */
const SILENT =
  /^(?:redis: connection pool timeout$|redis: client is closed$|context deadline exceeded$|context canceled$|(?:unexpected )?EOF$|i\/o timeout$|(?:dial|read|write) (?:unix|tcp) |LOADING |ERR max number of clients reached$)/;

/** What the whole reply to a command reports about Redis; null if nothing. */
export function troubleInReply(reply: Buffer): RedisTrouble | null {
  if (reply.toString('latin1', 0, ERR.length) !== ERR) return null;
  return redisTrouble(reply.toString('utf8', ERR.length, contentEnd(reply)));
}

const ERR = '-ERR ';

/** The same of the text of an error, as it stands behind `-ERR ` and in the answer to a PUSHB. */
export function redisTrouble(text: string): RedisTrouble | null {
  const bare = WRAPPERS.reduce((rest, wrapper) => rest.replace(wrapper, ''), text);
  if (REFUSED.test(bare)) return { kind: 'refused', reason: shortReason(bare) };
  if (SILENT.test(bare)) return { kind: 'silent', reason: shortReason(bare) };
  return null;
}

/** Codes of Redis that a command of Faktory's can meet. */
const CODES =
  /^(?:MISCONF|OOM|NOREPLICAS|READONLY|BUSY|MASTERDOWN|LOADING|WRONGTYPE|NOAUTH|NOPERM|UNBLOCKED|CLUSTERDOWN|TRYAGAIN|MOVED|ASK) /;

/** Whether the text of an error begins as an error of Redis does, and not as one of Faktory's. */
export function isWordOfRedis(text: string): boolean {
  return CODES.test(text);
}

/** The first line, without control characters and cut, so that it may be logged and passed on. */
export function shortReason(text: string): string {
  const line = text.split(/[\r\n]/, 1)[0] ?? '';
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return line.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '').slice(0, REASON_LENGTH_MAX);
}
