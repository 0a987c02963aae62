// The bouncer's own connection to Faktory. Promise: it is inside the cap and always there or being
// dialled, and dialled again when it owes an answer for too long, so that Faktory's health is known
// without clients.

import type { Clock } from '../base/clock.ts';
import type { CountBy } from '../base/counters.ts';
import type { Live } from '../base/live.ts';
import type { FaktoryInfo } from './info.ts';
import type { Command } from '../protocol/command.ts';
import type { ReservedJob } from '../protocol/job.ts';
import type { Hello } from '../protocol/hello.ts';
import { type Giver, GivingBack } from './giving-back.ts';
import type { ServerHealth } from './health.ts';
import { type InfoGuard, type InfoOutcome, InfoPoll } from './info-poll.ts';
import { Patience } from './patience.ts';
import type { HeldPlace, ServerConnection, ServerOwner } from './server-connection.ts';
import type { ServerConnections } from './server-connections.ts';
import type { Pause, PauseListener } from './pause.ts';
import type { ServerSettings } from './server-parts.ts';
import type { OwnConnection } from './silence-check.ts';
import type { DialFailure } from './server-states.ts';
import type { WriteHealth, WriteHealthListener } from './write-health.ts';

export interface ControlParts {
  readonly servers: ServerConnections;
  readonly clock: Clock;
  readonly hello: Hello;
  readonly health: ServerHealth;
  readonly writeHealth: WriteHealth;
  readonly pause: Pause;
  readonly settings: Live<ServerSettings>;
  readonly infoOutcomes: CountBy<InfoOutcome>;
  readonly infoGuard: InfoGuard;
}

/** An answer that was not waited for. */
const AT_ONCE_MS = 1000;

/** The place is the bouncer's for as long as it runs. */
const OWN_PLACE: HeldPlace = { release: () => {} };

export class ControlConnection
  implements ServerOwner, WriteHealthListener, PauseListener, OwnConnection
{
  readonly #parts: ControlParts;
  readonly #givingBack: GivingBack;
  readonly #infoPoll: InfoPoll;
  readonly #patience = new Patience();
  #server: ServerConnection | null = null;
  #openedAt = 0;
  #answeredAt = -Infinity;
  #lossFoundAt = -Infinity;
  /** Whether the connection before this one was given up for its silence, and no dial has failed since. */
  #succeedsSilent = false;
  #isStopping = false;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    const { clock, settings, infoOutcomes, infoGuard, pause, writeHealth } = parts;
    const server = (): ServerConnection | null => (this.isOpen ? this.#server : null);
    this.#givingBack = new GivingBack({ clock, writeHealth, pause, server });
    this.#infoPoll = new InfoPoll({
      clock,
      settings,
      outcomes: infoOutcomes,
      ask: (command) => this.ask(command),
      guard: infoGuard,
    });
    writeHealth.onChange(this);
    pause.onChange(this);
  }

  /** What Faktory said of itself last; null while that is too long ago. */
  info(now: number): FaktoryInfo | null {
    return this.#infoPoll.info(now);
  }

  /** Asks Faktory now how many connections it has; `done` is called once, with null if it does not say. */
  count(done: (connections: number | null) => void): void {
    this.#infoPoll.askFor((info) => done(info?.connections ?? null));
  }

  /** How often INFO is asked may have changed. */
  settingsChanged(): void {
    this.#infoPoll.settingsChanged();
  }

  /** Whether the bouncer could say something to Faktory now. */
  get isOpen(): boolean {
    return this.#server?.state === 'open';
  }

  /** Jobs whose giving back is not settled. */
  get pending(): number {
    return this.#givingBack.size;
  }

  start(): void {
    this.#open();
  }

  stop(): void {
    this.#isStopping = true;
    this.#infoPoll.stop();
    this.#server?.close('stopped');
    this.#givingBack.stop();
  }

  /** Tells Faktory that `job`, which arrived at `arrivedAt` (monotonic ms), was not done. */
  giveBack(job: ReservedJob, arrivedAt: number, giver: Giver): void {
    this.#givingBack.add(job, arrivedAt, giver);
  }

  /**
   * Sends `command`, whose sink hears what becomes of it; false if the connection is not open, or the
   * bouncer is paused.
   */
  ask(command: Command): boolean {
    if (!this.isOpen || this.#parts.pause.isPaused) return false;
    this.#server?.send(command);
    return true;
  }

  get lossFoundAt(): number {
    return this.#lossFoundAt;
  }

  get answeredAt(): number {
    return this.#answeredAt;
  }

  answeringSince(now: number): number | null {
    const server = this.#server;
    if (server === null || !this.isOpen || server.unansweredMs(now) >= this.#patience.ms)
      return null;
    return this.#openedAt;
  }

  /** A fresh dial tells whether Faktory hangs, or only this connection does. */
  checkSilence(now: number): void {
    const server = this.#server;
    if (server === null || server.unansweredMs(now) < this.#patience.ms) return;
    this.#patience.gaveUp();
    this.#succeedsSilent = true;
    server.destroy('unanswered');
  }

  onOpen(): void {
    this.#openedAt = this.#parts.clock.now();
    this.#patience.opened();
    this.#parts.health.ownIsOpen();
    this.#infoPoll.opened();
    this.#givingBack.sendAll();
  }

  onWriteState(): void {
    this.#givingBack.sendAll();
  }

  onPause(): void {
    this.#givingBack.sendAll();
  }

  onDialFailed(_server: ServerConnection, failure: DialFailure): void {
    this.#patience.dialFailed();
    this.#succeedsSilent = false;
    this.#parts.health.ownDialFailed(failure);
  }

  onAnswered(server: ServerConnection): void {
    this.#answeredAt = this.#parts.clock.now();
    const tookMs = server.workedAtLeastMs;
    this.#patience.answered(tookMs);
    // Slow by nature, it would be slow again.
    if (this.#succeedsSilent && tookMs < AT_ONCE_MS) this.#lossFoundAt = this.#openedAt;
    this.#succeedsSilent = false;
  }

  onEnd(): void {
    this.#server = null;
    if (!this.#isStopping) this.#open();
  }

  #open(): void {
    this.#server = this.#parts.servers.open({
      lane: 'probe',
      hello: this.#parts.hello,
      place: OWN_PLACE,
      owner: this,
      dialReason: 'control',
      isShared: true,
    });
  }
}
