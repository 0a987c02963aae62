// Hot path. Pooled mode's way for every verb but FETCH. Promise: few server connections carry the
// commands of all clients while Faktory is fast, and as many as pay off while it is slow; a slow verb,
// or a PUSHB made of several clients' PUSHes, has a connection to itself; what a lost connection had
// not executed goes over another one, and what may have been executed is sent again only where twice is
// the same as once; a defect on a command's way ends its client only. command-room.ts decides where a
// command goes, measured-width.ts how wide the lane is, and command-servers.ts has the connections.

import type { Place } from '../admission/places.ts';
import { check } from '../base/check.ts';
import { Deadlines } from '../base/deadlines.ts';
import { eachOf } from '../base/each-of.ts';
import type { Fifo } from '../base/fifo.ts';
import type { Limit } from '../base/limit.ts';
import type { Live } from '../base/live.ts';
import { afterLoss, isWorthSending, type LostFate } from '../protocol/after-loss.ts';
import { MEANING } from '../protocol/verbs.ts';
import type { Pause, PauseListener } from '../server/pause.ts';
import type { ServerConnection } from '../server/server-connection.ts';
import { BulkPush, type BulkPushParts } from './bulk-push.ts';
import type { Seat } from './command-connections.ts';
import { CommandRoom } from './command-room.ts';
import {
  CommandServers,
  type CommandServersOwner,
  type CommandServersParts,
} from './command-servers.ts';
import type { LaneCommand } from './lane-command.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { LaneSettings } from './lane-settings.ts';
import type { WidthLimits } from './lane-width.ts';
import { MeasuredWidth } from './measured-width.ts';
import { type BulkCarrier, PushGatherer } from './push-gatherer.ts';
import type { WorkDone } from './round-trips.ts';
import { WaitingCommands } from './waiting-commands.ts';

/** How often the width is decided, and waiting commands are looked over, while there is any work. */
const TICK_MS = 50;

export interface CommandLaneParts extends CommandServersParts {
  readonly counts: LaneCounts;
  readonly settings: Live<LaneSettings>;
  readonly pause: Pause;
  /** Commands at Faktory: the most connections that the lane grows to. */
  readonly commandsInFlight: Limit;
  /** Server connections that the lane keeps for as long as it lives. */
  readonly commandConnections: number;
  readonly onBug: (error: unknown) => void;
}

export class CommandLane implements CommandServersOwner, BulkCarrier, PauseListener {
  readonly #parts: CommandLaneParts;
  /** For commands that are held back: they wait no longer than those in line. */
  readonly holdDeadlines: Deadlines<LaneCommand>;
  readonly #waiting = new WaitingCommands<LaneCommand>();
  readonly #pushes: PushGatherer;
  readonly #bulkPushParts: BulkPushParts;
  readonly #base: number;
  readonly #width: MeasuredWidth;
  readonly #servers: CommandServers;
  readonly #room: CommandRoom;
  /** When a tick last found work, or answers since the one before; monotonic ms. */
  #workAt = -Infinity;
  #tickIsDue = false;
  #isStopping = false;

  constructor(parts: CommandLaneParts) {
    this.#parts = parts;
    const { clock, settings, counts } = parts;
    this.holdDeadlines = new Deadlines(
      clock,
      () => settings.current.outageWaitMs,
      (held) => this.#giveUp(held),
    );
    this.#pushes = new PushGatherer(this, this.#waiting.pushes, parts.onBug);
    this.#bulkPushParts = { counts, pushAlone: (push) => this.#pushAlone(push) };
    const places = basePlaces(parts);
    this.#base = places.length;
    this.#width = new MeasuredWidth(this.#limits);
    this.#servers = new CommandServers(parts, this, this.#width, places);
    this.#room = new CommandRoom(this.#servers, this.#width, this.#waiting, parts.pause);
    parts.pause.onChange(this);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How long Faktory works on a quick command, in ms; null while that is not known. */
  get commandMs(): number | null {
    return this.#width.workMs;
  }

  /** How long a quick command waits for Redis, in ms: 0 where the CPU is what is full; null while not known. */
  get redisMs(): number | null {
    return this.#width.redisMs;
  }

  /** What Faktory has done of quick commands, and of PUSHes that went together. */
  get workDone(): WorkDone {
    return this.#width.done;
  }

  get outstanding(): number {
    return this.#servers.outstanding;
  }

  start(): void {
    this.#servers.start();
  }

  stop(): void {
    this.#isStopping = true;
    this.#servers.stop();
  }

  submit(command: LaneCommand): void {
    try {
      this.#submit(command);
    } catch (error) {
      this.#broke(command, error);
    }
  }

  bulkRoom(): number {
    return this.#room.forBulks();
  }

  get bulkJobs(): number {
    return this.#width.bulkJobs;
  }

  carry(pushes: readonly LaneCommand[]): void {
    const { clock, counts } = this.#parts;
    const seat = this.#servers.lists.roomForAlone(this.#width.placing);
    const [first] = pushes;
    check(seat !== null && first !== undefined, 'PUSHes were to be carried without a connection');
    if (pushes.length === 1) {
      this.#sendWaiting(seat, first, null);
      return;
    }
    try {
      const now = clock.now();
      const bulk = new BulkPush(this.#bulkPushParts, pushes, now);
      this.#servers.send(seat, bulk.command, 'bulk', pushes.length);
      for (const push of pushes) counts.waits.observeMs('command', now - push.readAt);
    } catch (error) {
      this.#parts.onBug(error);
      for (const push of pushes) push.broke();
    }
  }

  /** What becomes of a command whose server connection was lost. */
  recover(command: LaneCommand, fate: LostFate): void {
    switch (afterLoss(command.verb, fate, command.isWanted)) {
      case 'outcome_unknown':
        command.outcomeUnknown();
        this.#parts.counts.commandsOutcomeUnknown.add(command.verb);
        return;
      case 'dropped':
        return;
      case 'sent_again':
        this.submit(command);
        this.#parts.counts.commandsSentAgain.add(command.verb);
    }
  }

  /** What waits goes on waiting, or is sent. */
  onPause(isPaused: boolean): void {
    if (!isPaused) this.#dispatch();
  }

  onServerOpen(): void {
    // Grown for work that may be done by now: the tick closes what nobody needs.
    if (this.#servers.isGrown) this.#scheduleTick();
    this.#dispatch();
  }

  onRoom(): void {
    if (this.waiting > 0) this.#dispatch();
  }

  get #limits(): WidthLimits {
    return { base: this.#base, max: Math.max(this.#base, this.#parts.commandsInFlight.value) };
  }

  #submit(command: LaneCommand): void {
    if (command.holdsBack()) return;
    if (command.mayShare && this.#gathers()) {
      this.#pushes.add(command);
      this.#scheduleTick();
      return;
    }
    const isSlow = MEANING[command.verb].pace === 'slow';
    const line = isSlow ? this.#waiting.slow : this.#waiting.quick;
    const seat = line.length > 0 ? null : this.#room.for(command);
    if (seat === null) line.push(command);
    else this.#servers.send(seat, command, isSlow ? 'slow' : null);
    this.#scheduleTick();
  }

  #pushAlone(push: LaneCommand): void {
    push.mayShare = false;
    if (push.isWanted) this.submit(push);
  }

  /** With nothing on its way and nothing waiting there is nothing to gather: a PUSH goes at once. */
  #gathers(): boolean {
    if (!this.#parts.settings.current.bulkPush || this.bulkJobs === 1) return false;
    const { lists } = this.#servers;
    return this.#waiting.pushes.length > 0 || lists.alone('bulk') > 0 || !lists.firstIsIdle;
  }

  #dispatch(): void {
    this.#dispatchLine(this.#waiting.slow, 'slow');
    this.#dispatchLine(this.#waiting.quick, null);
    this.#pushes.onRoom();
  }

  #dispatchLine(line: Fifo<LaneCommand>, alone: 'slow' | null): void {
    for (let command = line.peek(); command !== undefined; command = line.peek()) {
      if (!isWorthSending(command.verb, command.isWanted) || command.holdsBack()) {
        line.shift();
        continue;
      }
      const seat = this.#room.for(command);
      if (seat === null) return;
      line.shift();
      this.#sendWaiting(seat, command, alone);
    }
  }

  /** A defect is this command's: those behind it go on. */
  #sendWaiting(seat: Seat<ServerConnection>, command: LaneCommand, alone: 'slow' | null): void {
    const { clock, counts } = this.#parts;
    try {
      this.#servers.send(seat, command, alone);
      counts.waits.observeMs('command', clock.now() - command.readAt);
    } catch (error) {
      this.#broke(command, error);
    }
  }

  #broke(command: LaneCommand, error: unknown): void {
    this.#parts.onBug(error);
    command.broke();
  }

  #scheduleTick(): void {
    if (this.#tickIsDue) return;
    this.#tickIsDue = true;
    this.#parts.clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#tickIsDue = false;
    if (this.#isStopping) return;
    const { clock, settings, onBug } = this.#parts;
    const now = clock.now();
    const old = this.#waiting.takeOlderThan(now - settings.current.outageWaitMs);
    if (this.#width.hasAnswers || this.#hasWork) this.#workAt = now;
    eachOf(onBug, [
      ...old.map((command) => () => this.#giveUp(command)),
      () => this.#adaptWidth(now),
    ]);
    if (now - this.#workAt >= TICK_MS) this.#width.forget();
    const isResting = this.#width.workMs === null && !this.#servers.isGrown;
    if (this.#hasWork || !isResting) this.#scheduleTick();
  }

  get #hasWork(): boolean {
    return this.waiting > 0 || this.#servers.isBusy;
  }

  #adaptWidth(now: number): void {
    const servers = this.#servers;
    const decision = this.#width.decide(now, this.#limits, {
      open: servers.lists.size,
      opening: servers.opening,
      waiting: this.#parts.pause.isPaused
        ? 0
        : this.#waiting.quick.length + this.#waiting.pushes.length,
      unansweredMs: servers.unansweredMs(now),
    });
    // Where each command has a connection to itself, quick ones would always be there first.
    if (this.#width.isWide) this.#waiting.ungather();
    if (decision.kind === 'grow') servers.grow(decision.by);
    servers.closeSurplus(now);
    if (this.waiting > 0) this.#dispatch();
  }

  #giveUp(command: LaneCommand): void {
    const { isWanted } = command;
    command.expired();
    if (isWanted) this.#parts.counts.commandsExpired.add(command.verb);
  }
}

/** The lane's own places, as many of them as there are. */
function basePlaces({ commandConnections, places }: CommandLaneParts): Place[] {
  const taken: Place[] = [];
  for (let i = 0; i < commandConnections; i += 1) {
    const place = places.take('producer');
    if (place !== null) taken.push(place);
  }
  return taken;
}
