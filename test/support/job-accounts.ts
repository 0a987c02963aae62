// The ledger of a market, closed. Promise: pure over what clients were told and what Faktory holds; each
// kind of wrong has a list, which is empty if all is well.

import type { Market } from '../faults/support/market.ts';

/** What a fault may make clients read: docs/operations.md, "What clients read". */
const NAMED_ERRORS = [
  /^ERR Faktory is unreachable/,
  /^ERR faktory-bouncer could not open a connection to Faktory in time/,
  /^ERR Faktory does not answer/,
  /^ERR Faktory took longer than its Redis timeout/,
  /^ERR Faktory's Redis refuses writes/,
  /^ERR too many connections/,
  /^ERR faktory-bouncer is stopping/,
  // Faktory's own: of its Redis, and at its end.
  /^ERR (redis:|dial |read |write |EOF|context deadline|cannot add element|i\/o timeout)/,
  /^ERR (MISCONF|OOM|LOADING|MASTERDOWN|NOREPLICAS)/,
  /^ERR shutdown in progress/,
];

/**
 * FETCHes for which Faktory took a job from its queue and could not reserve it: each has lost one, as
 * docs/modes.md says.
 */
export function unreservedIn({ errors }: Market): number {
  let count = 0;
  for (const [text, times] of errors) {
    if (text.includes('cannot add element in the working set')) count += times;
  }
  return count;
}

export interface Accounts {
  /** Acknowledged, and neither handed out nor done nor held. */
  readonly lost: readonly string[];
  /** Handed out more than once, though Faktory has not tried them again. */
  readonly twice: readonly string[];
  /** Replies that do not fit their command. */
  readonly wrong: readonly string[];
  /** Errors that no page names. */
  readonly unnamed: readonly string[];
  /** In one line, for people. */
  readonly summary: string;
}

/** `held`: what Faktory holds, by jid, once the market is over. */
export function accountsOf(market: Market, held: ReadonlyMap<string, unknown>): Accounts {
  const { pushed, got, acknowledged, errors, refusals } = market;
  const isThere = (jid: string): boolean => acknowledged.has(jid) || got.has(jid) || held.has(jid);
  const lost = pushed.filter((jid) => !isThere(jid));
  const read = [...errors, ...refusals];
  return {
    lost,
    twice: [...got].filter(([, times]) => times > 1).map(([jid]) => jid),
    wrong: market.wrong,
    unnamed: read.map(([text]) => text).filter((text) => !NAMED_ERRORS.some((e) => e.test(text))),
    summary:
      `${pushed.length} acknowledged PUSHes, ${acknowledged.size} jobs done, ${held.size} held, ` +
      `${lost.length} lost; ${market.closed} connections lost, ${market.notConnected} connects ` +
      `failed; read: ${JSON.stringify(read)}`,
  };
}
