// What server connections count.

import { CountBy } from '../base/counters.ts';
import { INFO_OUTCOMES } from './info-poll.ts';
import { DIAL_REASONS, SERVER_END_REASONS } from './server-states.ts';
import { PROBE_OUTCOMES } from './write-check.ts';

export class ServerCounts {
  readonly ends = new CountBy(SERVER_END_REASONS);
  readonly dials = new CountBy(['succeeded', 'failed'] as const);
  readonly dialReasons = new CountBy(DIAL_REASONS);
  /** Replies with no command outstanding, or bytes that are no reply. */
  readonly unexpectedReplies = { total: 0 };
  /** Probes that asked Faktory the truth about its Redis. */
  readonly probes = new CountBy(PROBE_OUTCOMES);
  /** Answers to the bouncer's own INFO. */
  readonly info = new CountBy(INFO_OUTCOMES);
  readonly bytes = new CountBy(['received', 'sent'] as const);
}
