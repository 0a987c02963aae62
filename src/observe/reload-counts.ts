// What reloads came to.

import { CountBy } from '../base/counters.ts';

export const RELOAD_OUTCOMES = ['applied', 'unchanged', 'refused'] as const;
export type ReloadOutcome = (typeof RELOAD_OUTCOMES)[number];

export class ReloadCounts {
  readonly outcomes = new CountBy(RELOAD_OUTCOMES);
  /** When the configuration in force was last read, by the wall clock; ms since 1970. */
  succeededAtMs = 0;
  /** Whether the last reload was refused. */
  lastFailed = false;
}
