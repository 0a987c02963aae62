// The verbs that the bouncer knows, and what each of them means. Promise: whatever a client sends has
// one of them, OTHER where it is not one of Faktory's; everything that is decided by verb is decided
// from this table. What a verb does at Faktory: v1.7.0 server/commands.go and what it calls.

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

export interface VerbMeaning {
  /** Quick: Faktory answers after a bounded number of Redis commands. Slow: nothing may wait behind it. */
  readonly pace: 'quick' | 'slow';
  /** Whether Faktory answers, or gives up, within seconds of beginning with it, whatever its Redis does. */
  readonly isBounded: boolean;
  /**
   * Its part in Faktory's Redis. `untouched`: none, Faktory answers from memory. `unproven`: it uses
   * Redis, but may succeed without. `proven`: it succeeds only when Redis has answered.
   */
  readonly redis: 'untouched' | 'unproven' | 'proven';
  /** Whether its success means that a job is stored. */
  readonly storesJob: boolean;
  /** Faktory may have executed it: is it sent again (twice changes nothing that once did not), or not? */
  readonly unanswered: 'sent_again' | 'outcome_unknown';
  /** The bouncer has ended its client before it was sent: is it sent all the same, or dropped? */
  readonly clientGone: 'sent' | 'dropped';
  /** Whether its reply is held until it is whole, or passed on as it comes. */
  readonly reply: 'whole' | 'streamed';
  /** Whether it waits until nothing else of its client is outstanding. */
  readonly alone: boolean;
  /** With fewer arguments the line would crash Faktory. */
  readonly argumentsMin: 0 | 1 | 2;
  /** The field of the payload that Faktory may write into its reply as it is. */
  readonly echoes: 'wid' | 'jid' | null;
}

/** Every verb, except where its own line differs. */
const ORDINARY: VerbMeaning = {
  pace: 'slow',
  isBounded: false,
  redis: 'proven',
  storesJob: false,
  unanswered: 'outcome_unknown',
  clientGone: 'dropped',
  reply: 'streamed',
  alone: false,
  argumentsMin: 0,
  echoes: null,
};

/** Hot path: read as `MEANING[verb].pace`. */
export const MEANING: Readonly<Record<Verb, VerbMeaning>> = {
  // storage/queue_redis.go Push ignores the error of its LPUSH.
  PUSH: {
    ...ORDINARY,
    pace: 'quick',
    isBounded: true,
    redis: 'unproven',
    storesJob: true,
    argumentsMin: 1,
  },
  PUSHB: {
    ...ORDINARY,
    isBounded: true,
    redis: 'unproven',
    storesJob: true,
    // An answer names the jobs that failed, so half of one is none.
    reply: 'whole',
    argumentsMin: 1,
  },
  FETCH: {
    ...ORDINARY,
    pace: 'quick',
    isBounded: true,
    // A job proves it, nil does not: a FETCH of paused queues, or of a quiet worker, only sleeps.
    redis: 'unproven',
    // A job of the first one belongs to its reservation; a second FETCH does not change that.
    unanswered: 'sent_again',
    reply: 'whole',
    alone: true,
  },
  // For a job that Faktory does not hold, +OK comes from memory (manager/working.go Acknowledge).
  ACK: {
    ...ORDINARY,
    pace: 'quick',
    isBounded: true,
    redis: 'unproven',
    unanswered: 'sent_again',
    clientGone: 'sent',
    argumentsMin: 1,
  },
  // It stores the job in the set of retries or of the dead. Of a job that Faktory does not hold it
  // says an error, so its +OK comes from Redis.
  FAIL: {
    ...ORDINARY,
    pace: 'quick',
    isBounded: true,
    storesJob: true,
    clientGone: 'sent',
    argumentsMin: 1,
    echoes: 'jid',
  },
  BEAT: {
    ...ORDINARY,
    pace: 'quick',
    isBounded: true,
    redis: 'untouched',
    unanswered: 'sent_again',
    argumentsMin: 1,
    echoes: 'wid',
  },
  // It counts the jobs of each queue, of which there may be none (server/server.go CurrentState).
  INFO: { ...ORDINARY, redis: 'unproven', unanswered: 'sent_again' },
  FLUSH: ORDINARY,
  MUTATE: ORDINARY,
  // Faktory ignores the errors of all three actions.
  QUEUE: { ...ORDINARY, redis: 'unproven', argumentsMin: 2 },
  // Both in Enterprise only: what they do there is not public. A TRACK reads or sets the progress of
  // one job (client/tracking.go), so it is not kept waiting by MUTATEs and PUSHBs of others.
  BATCH: { ...ORDINARY, redis: 'unproven' },
  TRACK: { ...ORDINARY, pace: 'quick', redis: 'unproven' },
  END: { ...ORDINARY, redis: 'untouched', alone: true },
  OTHER: { ...ORDINARY, redis: 'untouched' },
};
