// The plain numbers that the rooms write to. Promise: writing one is a memory write, never a
// library call; every label comes from a closed set. Reading them out is left to the exporters.

/** A monotonic count for each member of a closed set of labels. */
export class CountBy<Label extends string> {
  readonly values: Record<Label, number>;

  constructor(labels: readonly Label[]) {
    this.values = Object.fromEntries(labels.map((label) => [label, 0])) as Record<Label, number>;
  }

  add(label: Label, by = 1): void {
    this.values[label] += by;
  }
}

/** A histogram with fixed upper bounds in seconds, as Prometheus counts them (the last is +Inf). */
export class Histogram {
  readonly boundsSeconds: readonly number[];
  /** Observations per bucket, not cumulative; one more than there are bounds. */
  readonly bucketCounts: Float64Array;
  sumSeconds = 0;

  constructor(boundsSeconds: readonly number[]) {
    this.boundsSeconds = boundsSeconds;
    this.bucketCounts = new Float64Array(boundsSeconds.length + 1);
  }

  observeMs(ms: number): void {
    const seconds = ms / 1000;
    const bounds = this.boundsSeconds;
    let index = 0;
    while (index < bounds.length && seconds > (bounds[index] as number)) index += 1;
    this.bucketCounts[index] = (this.bucketCounts[index] as number) + 1;
    this.sumSeconds += seconds;
  }
}

/** One histogram for each member of a closed set of labels, all with the same bounds. */
export class HistogramBy<Label extends string> {
  readonly values: Record<Label, Histogram>;

  constructor(labels: readonly Label[], boundsSeconds: readonly number[]) {
    this.values = Object.fromEntries(
      labels.map((label) => [label, new Histogram(boundsSeconds)]),
    ) as Record<Label, Histogram>;
  }

  observeMs(label: Label, ms: number): void {
    this.values[label].observeMs(ms);
  }
}

export const ROLES = ['producer', 'worker'] as const;
export type Role = (typeof ROLES)[number];

export const ADMISSION_OUTCOMES = ['admitted', 'timed_out', 'hung_up', 'refused'] as const;
export type AdmissionOutcome = (typeof ADMISSION_OUTCOMES)[number];

/** Which limit refused a client. */
export const REFUSAL_REASONS = [
  'clients',
  'handshakes',
  'server_connections',
  'per_worker',
  'per_address',
  'waiting_line',
  'unreachable',
  'draining',
] as const;
export type RefusalReason = (typeof REFUSAL_REASONS)[number];

export const GUARD_RULES = [
  'bare_verb',
  'queue_arguments',
  'control_character',
  'command_too_long',
  'fetch_too_long',
] as const;
export type GuardRule = (typeof GUARD_RULES)[number];

export const VERBS = [
  'PUSH',
  'PUSHB',
  'FETCH',
  'ACK',
  'FAIL',
  'BEAT',
  'INFO',
  'FLUSH',
  'MUTATE',
  'QUEUE',
  'BATCH',
  'TRACK',
  'END',
  'OTHER',
] as const;
export type Verb = (typeof VERBS)[number];

/** Why a client connection ended; each end has exactly one. */
export const CLIENT_END_REASONS = [
  'client_closed',
  'client_reset',
  'end_command',
  'refused',
  'handshake_timeout',
  'bad_hello',
  'invalid_password',
  'command_too_long',
  'server_lost',
  'outcome_unknown',
  'worker_expired',
  'write_stalled',
  'read_stalled',
  'drained',
  'drain_timeout',
  'bug',
] as const;
export type ClientEndReason = (typeof CLIENT_END_REASONS)[number];

/** Why a server connection ended; each end has exactly one. */
export const SERVER_END_REASONS = [
  'client_gone',
  'idle',
  'yielded',
  'server_closed',
  'server_reset',
  'server_shutdown',
  'connect_failed',
  'connect_timeout',
  'handshake_failed',
  'handshake_timeout',
  'protocol_error',
  'write_stalled',
  'stopped',
  'bug',
] as const;
export type ServerEndReason = (typeof SERVER_END_REASONS)[number];

/** What became of a job that Faktory handed to a client that was gone. */
export const STRAY_JOB_FATES = [
  'taken_over_same_worker',
  'taken_over_other_worker',
  'given_back_retry',
  'given_back_dead',
  'given_back_discarded',
  'left_reserved',
] as const;
export type StrayJobFate = (typeof STRAY_JOB_FATES)[number];

/** 100 µs to 10 s: below lies the loopback, above every client has given up. */
const LATENCY_BOUNDS_SECONDS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Everything the rooms count. Gauges are not here: they are read from the live structures. */
export class Counts {
  readonly accepted = { total: 0 };
  readonly admissions = new CountBy(ADMISSION_OUTCOMES);
  readonly refusals = new CountBy(REFUSAL_REASONS);
  /** With observe_only: what would have been refused or made to wait, had it been enforced. */
  readonly wouldHaveRefused = new CountBy(REFUSAL_REASONS);
  readonly waits = new HistogramBy(ADMISSION_OUTCOMES, LATENCY_BOUNDS_SECONDS);
  readonly commands = new HistogramBy(VERBS, LATENCY_BOUNDS_SECONDS);
  readonly guardHits = new CountBy(GUARD_RULES);
  readonly clientEnds = new CountBy(CLIENT_END_REASONS);
  readonly serverEnds = new CountBy(SERVER_END_REASONS);
  readonly dials = new CountBy(['succeeded', 'failed'] as const);
  readonly strayJobs = new CountBy(STRAY_JOB_FATES);
  readonly bytes = new CountBy([
    'client_received',
    'client_sent',
    'server_received',
    'server_sent',
  ] as const);
  /** FETCHes that the governor answered with nil without Faktory. */
  readonly fetchesAnsweredNil = { total: 0 };
  /** PUSHBs made of several clients' PUSHes, the jobs in them, and those that had to be taken apart. */
  readonly bulkPushes = { sent: 0, jobs: 0, takenApart: 0 };
  /** Commands answered with "unreachable", since they could not be sent within outage_wait. */
  readonly commandsExpired = new CountBy(VERBS);
  /** Commands sent again over another server connection after a loss. */
  readonly commandsSentAgain = new CountBy(VERBS);
  /** Commands whose server connection was lost after they were sent. */
  readonly commandsOutcomeUnknown = new CountBy(VERBS);
  /** Replies with no command outstanding, or bytes that are no reply. */
  readonly unexpectedReplies = { total: 0 };
  /** Time that a command waited in the bouncer before it was sent, by lane. */
  readonly laneWaits = new HistogramBy(['command', 'fetch'] as const, LATENCY_BOUNDS_SECONDS);
  /** Failed internal checks; anything above zero is a defect worth a report. */
  readonly bugs = { total: 0 };
}
