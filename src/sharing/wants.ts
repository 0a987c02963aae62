// How many places a holder asks for. Promise: there is room for clients to come before they come, so that
// none of them waits for Redis; what others wait for is given back; what nobody waits for lies where it
// is needed most if Redis fails, a fair share with each. Pure.

import type { OthersWait } from './lease.ts';

export interface Situation {
  /** Connections that exist, and places that are taken for such as are to come. */
  readonly taken: number;
  /** Places that clients wait for. */
  readonly waiting: number;
  /** What is leased. */
  readonly leased: number;
  /** What each holds if all hold the same. */
  readonly share: number;
  /** How many are asked for or given back at a time. */
  readonly block: number;
  /** What is lent to nobody else, so that giving it back helps nobody. */
  readonly guaranteed: number;
  readonly othersWait: OthersWait;
  /** All bouncers together hold more than the limit. */
  readonly isOverLimit: boolean;
}

export interface Wants {
  readonly need: number;
  readonly want: number;
}

export function wantsOf(situation: Situation): Wants {
  const { taken, waiting, leased, share, guaranteed, othersWait } = situation;
  const need = taken + waiting;
  if (situation.isOverLimit) return { need, want: Math.max(taken, guaranteed) };
  // With small shares, a block of the usual size would be more than is left for the others.
  const block = Math.max(1, Math.min(situation.block, Math.floor(share / 2)));
  switch (othersWait) {
    case 'nothing': {
      const isWithinShare = need + block / 2 <= share;
      const room = isWithinShare ? share : Math.ceil((need + block / 2) / block) * block;
      // One block of play: what comes and goes is not given back and asked for each time.
      return { need, want: leased < room || leased > room + block ? room : leased };
    }
    case 'idle':
      return { need, want: Math.max(need, guaranteed) };
    case 'share':
      return { need, want: Math.max(leased > share ? Math.max(share, taken) : need, guaranteed) };
  }
}
