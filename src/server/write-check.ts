// Looks after the write health. Promise: while the server is not sound, a probe is on its way; while it
// is, one goes at an interval if jobs are pushed and Redis cannot be asked directly. A probe is a PUSH
// that reports its errors and that Faktory drops by itself (protocol/truth-probe.ts).

import { randomUUID } from 'node:crypto';
import type { Clock, Timer } from '../base/clock.ts';
import type { CountBy } from '../base/counters.ts';
import type { Live } from '../base/live.ts';
import { Command, type ReplySink } from '../protocol/command.ts';
import { probeAt, probeLine, type ProbeOutcome, probeOutcome } from '../protocol/truth-probe.ts';
import type { WriteHealth, WriteSettings } from './write-health.ts';

export const PROBE_OUTCOMES = [
  'stored',
  'refused',
  'silent',
  'too_early',
  'unknown',
  'lost',
] as const;
export type ProbeOutcomeName = (typeof PROBE_OUTCOMES)[number];

export interface WriteCheckParts {
  readonly clock: Clock;
  readonly settings: Live<WriteSettings>;
  readonly health: WriteHealth;
  readonly probes: CountBy<ProbeOutcomeName>;
  /** The bouncer's own connection; false: it is not open. */
  readonly control: { ask(command: Command): boolean };
  /** For how long the PUSH, ACK or FAIL that is longest at Faktory has been there, at `now`. */
  readonly servers: { oldestUnansweredMs(now: number): number };
  /** Writes that clients have sent so far. */
  readonly writes: { readonly passed: number };
  /** Whether Redis is asked directly, and answers: no probe is needed while the server is sound. */
  readonly redisIsAsked: () => boolean;
}

const TICK_MS = 250;
/** A tick so much later than it was due: this process stood still, and has not read what came. */
const STOOD_STILL_MS = 500;

export class WriteCheck implements ReplySink {
  readonly #parts: WriteCheckParts;
  readonly #jid = `faktory-bouncer-${randomUUID()}`;
  #timer: Timer | null = null;
  #tickedAt = 0;
  #probeSentAt: number | null = null;
  #probedAt = -Infinity;
  #passedAtProbe = 0;

  constructor(parts: WriteCheckParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#tickedAt = this.#parts.clock.now();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  onReply(_command: Command, reply: Buffer): void {
    const now = this.#parts.clock.now();
    const sentAt = this.#probeSentAt ?? now;
    const outcome = probeOutcome(reply);
    this.#probeSentAt = null;
    this.#judge(outcome, now, sentAt);
    this.#parts.probes.add(outcome.kind);
  }

  onLost(): void {
    this.#probeSentAt = null;
    this.#parts.probes.add('lost');
  }

  #judge(outcome: ProbeOutcome, now: number, sentAt: number): void {
    const { health } = this.#parts;
    switch (outcome.kind) {
      case 'stored':
        health.sawWrite(now, sentAt);
        return;
      case 'refused':
      case 'silent':
        health.sawTrouble(now, outcome);
        return;
      case 'too_early':
      case 'unknown':
        return;
    }
  }

  #schedule(): void {
    this.#timer = this.#parts.clock.after(TICK_MS, () => {
      this.#schedule();
      this.#tick();
    });
  }

  #tick(): void {
    const { clock, health, servers } = this.#parts;
    const now = clock.now();
    const stoodStill = now - this.#tickedAt > TICK_MS + STOOD_STILL_MS;
    this.#tickedAt = now;
    if (stoodStill) return;
    health.sawUnanswered(now, servers.oldestUnansweredMs(now));
    if (this.#probeSentAt === null && this.#probeIsDue(now)) this.#probe(now);
  }

  #probeIsDue(now: number): boolean {
    const { health, settings, writes, redisIsAsked } = this.#parts;
    if (health.state.kind !== 'sound') return true;
    const { probeIntervalMs, refused } = settings.current;
    if (probeIntervalMs === 0 || refused === 'off' || redisIsAsked()) return false;
    return writes.passed > this.#passedAtProbe && now - this.#probedAt >= probeIntervalMs;
  }

  #probe(now: number): void {
    const { clock, control, writes } = this.#parts;
    const line = probeLine({ jid: this.#jid, at: probeAt(clock.wallMs()) });
    if (!control.ask(new Command('PUSH', line, now, this))) return;
    this.#probeSentAt = now;
    this.#probedAt = now;
    this.#passedAtProbe = writes.passed;
  }
}
