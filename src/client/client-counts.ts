// What client connections count.

import { ADMISSION_OUTCOMES, REFUSAL_REASONS } from '../admission/outcomes.ts';
import { CountBy, HistogramBy, LATENCY_BOUNDS_SECONDS } from '../base/counters.ts';
import { GUARD_RULES } from '../protocol/guard.ts';
import { VERBS } from '../protocol/verbs.ts';
import { CLIENT_END_REASONS } from './client-states.ts';

export class ClientCounts {
  readonly accepted = { total: 0 };
  readonly admissions = new CountBy(ADMISSION_OUTCOMES);
  readonly refusals = new CountBy(REFUSAL_REASONS);
  /** With observe_only: what would have been refused or made to wait, had it been enforced. */
  readonly wouldHaveRefused = new CountBy(REFUSAL_REASONS);
  readonly waits = new HistogramBy(ADMISSION_OUTCOMES, LATENCY_BOUNDS_SECONDS);
  readonly commands = new HistogramBy(VERBS, LATENCY_BOUNDS_SECONDS);
  /** Logins with listen.previous_password_file's password. */
  readonly previousPasswords = { total: 0 };
  /** Commands that the guard answered. */
  readonly guardHits = new CountBy(GUARD_RULES);
  /** Commands that broke a rule in `log`, and passed. */
  readonly guardLogged = new CountBy(GUARD_RULES);
  readonly ends = new CountBy(CLIENT_END_REASONS);
  readonly bytes = new CountBy(['received', 'sent'] as const);
}
