// What the lanes count.

import { CountBy, HistogramBy, LATENCY_BOUNDS_SECONDS } from '../base/counters.ts';
import { ADAPTIVE_KINDS } from './adaptive-limit.ts';
import { VERBS } from '../protocol/verbs.ts';

/** What became of a job that Faktory handed to a client that was gone. */
export const STRAY_JOB_FATES = [
  'taken_over_same_worker',
  'taken_over_other_worker',
  'given_back_retry',
  'given_back_dead',
  'given_back_discarded',
  'left_reserved',
  'unconfirmed',
] as const;
export type StrayJobFate = (typeof STRAY_JOB_FATES)[number];

export class LaneCounts {
  readonly strayJobs = new CountBy(STRAY_JOB_FATES);
  /** FETCHes that the bouncer answered with nil by itself. */
  readonly fetchesAnsweredNil = { total: 0 };
  /** PUSHBs made of several clients' PUSHes, the jobs in them, and those that had to be taken apart. */
  readonly bulkPushes = { sent: 0, jobs: 0, takenApart: 0 };
  /** Commands answered with "unreachable", since they could not be sent within outage_wait. */
  readonly commandsExpired = new CountBy(VERBS);
  /** Commands sent again over another server connection after a loss. */
  readonly commandsSentAgain = new CountBy(VERBS);
  /** Commands whose server connection was lost after they were sent. */
  readonly commandsOutcomeUnknown = new CountBy(VERBS);
  /** INFOs that were asked although a PUSH to an unknown queue was at Faktory. */
  readonly infosForced = { total: 0 };
  /** Writes that had to wait because the server was not sound, or for INFO. */
  readonly writesHeld = { total: 0 };
  /** Writes refused after that wait, by the server's state. */
  readonly writesRefused = new CountBy(['suspect', 'refusing'] as const);
  /** Acknowledgements that came too late to be believed. */
  readonly lateReplies = new CountBy(['PUSH', 'PUSHB'] as const);
  /** What limits.adaptive has decided. */
  readonly adaptiveDecisions = new CountBy(ADAPTIVE_KINDS);
  /** Time that a command waited in the bouncer before it was sent, by lane. */
  readonly waits = new HistogramBy(['command', 'fetch'] as const, LATENCY_BOUNDS_SECONDS);
}
