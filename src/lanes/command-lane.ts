// Hot path. Pooled mode's way for every verb but FETCH. Promise: few server connections carry the
// commands of all clients while Faktory is fast, and as many as pay off while it is slow; a slow verb,
// or a PUSHB made of several clients' PUSHes, has a connection to itself; what a lost connection had
// not executed goes over another one, and what may have been executed is sent again only where twice is
// the same as once. Where a command goes and how wide the lane is are decided in command-connections.ts
// and lane-width.ts; here it is done.

import type { Place, Places } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import { check } from '../base/check.ts';
import { Deadlines } from '../base/deadlines.ts';
import type { Fifo } from '../base/fifo.ts';
import type { Limit } from '../base/limit.ts';
import type { Live } from '../base/live.ts';
import { afterLoss, isWorthSending, type LostFate } from '../protocol/after-loss.ts';
import type { Command } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import { MEANING } from '../protocol/verbs.ts';
import type { Pause, PauseListener } from '../server/pause.ts';
import type { ServerConnection, ServerOwner } from '../server/server-connection.ts';
import type { ServerConnections } from '../server/server-connections.ts';
import type { DialReason } from '../server/server-states.ts';
import { BulkPush, type BulkPushParts } from './bulk-push.ts';
import {
  type AloneKind,
  CommandConnections,
  type Placing,
  type Seat,
} from './command-connections.ts';
import type { LaneCommand } from './lane-command.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { LaneSettings } from './lane-settings.ts';
import { LaneWidth } from './lane-width.ts';
import { type BulkCarrier, PushGatherer } from './push-gatherer.ts';
import { WaitingCommands } from './waiting-commands.ts';

/**
 * PUSHBs outstanding at once, made of several clients' PUSHes: Faktory works off the jobs of each one
 * after another, with a round trip to Redis for each. Measured with 200 and 2000 clients, thousand
 * PUSHes per second: with 2 29, 28; with 4 30, 31; with 8 35, 38; with 16 37, 35.
 */
const BULKS_MAX = 8;
/** Faktory may work on one PUSHB for so long, as far as its jobs' time is known. */
const BULK_MS = 250;
/** How often the width is decided, and waiting commands are looked over, while there is any work. */
const TICK_MS = 50;
/** A connection beyond the base that has been idle for so long is closed. */
const SURPLUS_IDLE_MS = 5000;

export interface CommandLaneParts {
  readonly servers: ServerConnections;
  readonly clock: Clock;
  readonly counts: LaneCounts;
  readonly settings: Live<LaneSettings>;
  readonly hello: Hello;
  readonly places: Places;
  readonly pause: Pause;
  /** Commands at Faktory: the most connections that the lane grows to. */
  readonly commandsInFlight: Limit;
  /** Server connections that the lane keeps for as long as it lives. */
  readonly commandConnections: number;
}

export class CommandLane implements ServerOwner, BulkCarrier, PauseListener {
  readonly #parts: CommandLaneParts;
  /** For commands that are held back: they wait no longer than those in line. */
  readonly holdDeadlines: Deadlines<LaneCommand>;
  readonly #connections = new CommandConnections<ServerConnection>();
  readonly #seats = new Map<ServerConnection, Seat<ServerConnection>>();
  readonly #waiting = new WaitingCommands<LaneCommand>();
  readonly #pushes = new PushGatherer(this, this.#waiting.pushes);
  readonly #bulkPushParts: BulkPushParts;
  readonly #width: LaneWidth;
  readonly #base: number;
  /** Places of the base that no connection has now. */
  readonly #freePlaces: Place[] = [];
  readonly #opening = new Set<ServerConnection>();
  /** Connections that have a place: opening, open and closing. */
  #existing = 0;
  /** Connections that are to be given up for a worker that waits for a place. */
  #owed = 0;
  #placing: Placing;
  /** Since the last tick. */
  #answered = 0;
  #workedMs = 0;
  /** When a tick last found work, or answers since the one before; monotonic ms. */
  #workAt = -Infinity;
  #tickIsDue = false;
  #isStopping = false;

  constructor(parts: CommandLaneParts) {
    this.#parts = parts;
    const { clock, settings, places, counts } = parts;
    this.holdDeadlines = new Deadlines(
      clock,
      () => settings.current.outageWaitMs,
      (held) => this.#giveUp(held),
    );
    this.#bulkPushParts = { counts, pushAlone: (push) => this.#pushAlone(push) };
    for (let i = 0; i < parts.commandConnections; i += 1) {
      const place = places.take('producer');
      if (place !== null) this.#freePlaces.push(place);
    }
    this.#base = this.#freePlaces.length;
    this.#width = new LaneWidth({ base: this.#base, max: this.#max });
    this.#placing = placingOf(this.#width);
    places.onWanted(() => this.#yieldPlace());
    parts.pause.onChange(this);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** How long Faktory works on a quick command, in ms; null while that is not known. */
  get commandMs(): number | null {
    return this.#width.workMs;
  }

  get outstanding(): number {
    let outstanding = 0;
    for (const seat of this.#connections) outstanding += seat.outstanding;
    return outstanding;
  }

  start(): void {
    for (let i = 0; i < this.#base; i += 1) this.#dial('first');
  }

  stop(): void {
    this.#isStopping = true;
    for (const { server } of [...this.#connections]) server.close('stopped');
  }

  submit(command: LaneCommand): void {
    if (command.holdsBack()) return;
    if (command.mayShare && this.#gathers()) {
      this.#pushes.add(command);
      this.#scheduleTick();
      return;
    }
    const line = MEANING[command.verb].pace === 'quick' ? this.#waiting.quick : this.#waiting.slow;
    const seat = line.length > 0 ? null : this.#roomFor(command);
    if (seat === null) line.push(command);
    else this.#send(seat, command, MEANING[command.verb].pace === 'slow' ? 'slow' : null);
    this.#scheduleTick();
  }

  bulkRoom(): number {
    if (this.#parts.pause.isPaused) return 0;
    const most = Math.min(BULKS_MAX, this.#connections.slowMax) - this.#connections.alone('bulk');
    this.#dropDead();
    const idle = this.#connections.idleForAlone(this.#placing);
    return this.#width.isWide ? idle : Math.min(most, idle);
  }

  /** As many as Faktory is known to store in BULK_MS; one where that is not known, or it is slow. */
  get bulkJobs(): number {
    const { workMs, isWide } = this.#width;
    return workMs === null || isWide ? 1 : Math.ceil(BULK_MS / workMs);
  }

  carry(pushes: readonly LaneCommand[]): void {
    const { clock, counts } = this.#parts;
    const seat = this.#connections.roomForAlone(this.#placing);
    const [first] = pushes;
    check(seat !== null && first !== undefined, 'PUSHes were to be carried without a connection');
    const now = clock.now();
    for (const push of pushes) counts.waits.observeMs('command', now - push.readAt);
    if (pushes.length === 1) {
      this.#send(seat, first, null);
      return;
    }
    const bulk = new BulkPush(this.#bulkPushParts, pushes, now);
    this.#send(seat, bulk.command, 'bulk', pushes.length);
  }

  /** What becomes of a command whose server connection was lost. */
  recover(command: LaneCommand, fate: LostFate): void {
    switch (afterLoss(command.verb, fate, command.isWanted)) {
      case 'outcome_unknown':
        this.#parts.counts.commandsOutcomeUnknown.add(command.verb);
        command.outcomeUnknown();
        return;
      case 'dropped':
        return;
      case 'sent_again':
        this.#parts.counts.commandsSentAgain.add(command.verb);
        this.submit(command);
    }
  }

  /** What waits goes on waiting, or is sent. */
  onPause(isPaused: boolean): void {
    if (!isPaused) this.#dispatch();
  }

  onOpen(server: ServerConnection): void {
    this.#opening.delete(server);
    this.#seats.set(server, this.#connections.add(server, this.#parts.clock.now()));
    // Grown for work that may be done by now: the tick closes what nobody needs.
    if (this.#connections.size > this.#base) this.#scheduleTick();
    this.#dispatch();
  }

  onAnswered(server: ServerConnection): void {
    const seat = this.#seats.get(server);
    if (seat === undefined) return;
    if (seat.list !== 'slow' && !this.#connections.isForMemory(seat)) {
      this.#answered += seat.jobs;
      this.#workedMs += server.workedAtLeastMs;
    }
    this.#connections.answered(seat, this.#parts.clock.now());
    if (this.#owed > 0 && seat.list === 'idle') this.#payBack(seat);
    if (this.waiting > 0) this.#dispatch();
  }

  onEnd(server: ServerConnection): void {
    const seat = this.#seats.get(server);
    if (seat !== undefined) this.#drop(seat);
    this.#opening.delete(server);
    this.#existing -= 1;
    if (this.#isStopping) return;
    // What waited for it to be idle, or for its like to be fewer, may go over another.
    if (this.waiting > 0) this.#dispatch();
    if (this.#existing < this.#base) this.#dial('redial');
  }

  get #max(): number {
    return Math.max(this.#base, this.#parts.commandsInFlight.value);
  }

  #pushAlone(push: LaneCommand): void {
    push.mayShare = false;
    if (push.isWanted) this.submit(push);
  }

  /** With nothing on its way and nothing waiting there is nothing to gather: a PUSH goes at once. */
  #gathers(): boolean {
    if (!this.#parts.settings.current.bulkPush || this.bulkJobs === 1) return false;
    return (
      this.#waiting.pushes.length > 0 ||
      this.#connections.alone('bulk') > 0 ||
      !this.#connections.firstIsIdle
    );
  }

  #dial(dialReason: DialReason): void {
    const place = this.#freePlaces.pop() ?? this.#parts.places.take('producer');
    if (place === null) return;
    this.#existing += 1;
    const server = this.#parts.servers.open({
      lane: 'command',
      hello: this.#parts.hello,
      place: { release: () => this.#placeBack(place) },
      owner: this,
      dialReason,
      isShared: true,
    });
    this.#opening.add(server);
  }

  /** The base's places stay with the lane; `#existing` still counts the connection that had it. */
  #placeBack(place: Place): void {
    if (this.#existing > this.#base) place.release();
    else this.#freePlaces.push(place);
  }

  /** One that Faktory has ended is found here at the latest: 'close' comes a turn later. */
  #roomFor(command: LaneCommand): Seat<ServerConnection> | null {
    if (this.#parts.pause.isPaused) return null;
    for (;;) {
      const seat = this.#findRoom(command);
      if (seat === null || seat.server.state === 'open') return seat;
      this.#drop(seat);
    }
  }

  #findRoom({ verb, line, readAt }: LaneCommand): Seat<ServerConnection> | null {
    const connections = this.#connections;
    const { pace, redis } = MEANING[verb];
    if (pace === 'slow')
      return this.#maySendSlow() ? connections.roomForAlone(this.#placing) : null;
    if (redis === 'untouched') return connections.roomForMemory(this.#placing);
    // Where each command has a connection to itself, one becomes idle soon: none is kept.
    if (this.#width.isWide) return connections.roomForQuick(this.#placing, line.length);
    return connections.roomForQuick(
      this.#placing,
      line.length,
      this.#mustGather(readAt) ? connections.keptForBulk() : null,
      this.#waiting.slow.length > 0 && this.#maySendSlow() ? connections.keptForSlow() : null,
    );
  }

  #maySendSlow(): boolean {
    return this.#connections.alone('slow') < this.#connections.slowMax;
  }

  /** PUSHes wait to go together. Not from what has waited longer: it would be kept away without end. */
  #mustGather(readAt: number): boolean {
    const push = this.#waiting.pushes.peek();
    return push !== undefined && push.readAt <= readAt && this.#connections.alone('bulk') === 0;
  }

  #send(seat: Seat<ServerConnection>, command: Command, alone: AloneKind | null, jobs = 1): void {
    this.#connections.sent(seat, alone, jobs);
    seat.server.send(command);
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
      const seat = this.#roomFor(command);
      if (seat === null) return;
      line.shift();
      this.#parts.counts.waits.observeMs('command', this.#parts.clock.now() - command.readAt);
      this.#send(seat, command, alone);
    }
  }

  #scheduleTick(): void {
    if (this.#tickIsDue) return;
    this.#tickIsDue = true;
    this.#parts.clock.after(TICK_MS, () => this.#tick());
  }

  #tick(): void {
    this.#tickIsDue = false;
    if (this.#isStopping) return;
    const now = this.#parts.clock.now();
    const before = now - this.#parts.settings.current.outageWaitMs;
    for (const old of this.#waiting.takeOlderThan(before)) this.#giveUp(old);
    if (this.#answered > 0 || this.#hasWork) this.#workAt = now;
    this.#adaptWidth(now);
    if (now - this.#workAt >= TICK_MS) this.#forget();
    const isResting = this.#width.workMs === null && this.#connections.size <= this.#base;
    if (this.#hasWork || !isResting) this.#scheduleTick();
  }

  get #hasWork(): boolean {
    return this.waiting > 0 || this.#connections.idle < this.#connections.size;
  }

  /** The next burst may find another server than the last one did. */
  #forget(): void {
    this.#width.forget();
    this.#placing = placingOf(this.#width);
  }

  #adaptWidth(now: number): void {
    const connections = this.#connections;
    this.#width.limitTo({ base: this.#base, max: this.#max });
    const decision = this.#width.decide(now, {
      open: connections.size,
      opening: this.#opening.size,
      waiting: this.#parts.pause.isPaused
        ? 0
        : this.#waiting.quick.length + this.#waiting.pushes.length,
      answered: this.#answered,
      workedMs: this.#workedMs,
      unansweredMs: this.#unansweredMs(now),
    });
    this.#answered = 0;
    this.#workedMs = 0;
    this.#placing = placingOf(this.#width);
    // Where each command has a connection to itself, quick ones would always be there first.
    if (this.#width.isWide) this.#waiting.ungather();
    if (decision.kind === 'grow') for (let i = 0; i < decision.by; i += 1) this.#dial('growth');
    this.#closeSurplus(now);
    if (this.waiting > 0) this.#dispatch();
  }

  #unansweredMs(now: number): number {
    let sum = 0;
    let busy = 0;
    for (const seat of this.#connections) {
      const { server, list, jobs } = seat;
      if (list === 'idle' || list === 'slow' || this.#connections.isForMemory(seat)) continue;
      sum += server.unansweredMs(now) / jobs;
      busy += 1;
    }
    return busy === 0 ? 0 : sum / busy;
  }

  #closeSurplus(now: number): void {
    if (this.#width.isTrying) return;
    const beyondUse = this.#connections.surplus(this.#width.inUse, now);
    for (const seat of beyondUse) this.#close(seat, 'idle');
    const unused = this.#connections.surplus(this.#base, now - SURPLUS_IDLE_MS);
    for (const seat of unused) this.#close(seat, 'idle');
  }

  /** A worker waits for a place: one beyond the base is given up, now or with its next answer. */
  #yieldPlace(): void {
    if (this.#existing - this.#owed <= this.#base) return;
    this.#owed += 1;
    const [seat] = this.#connections.surplus(this.#base, Infinity);
    if (seat !== undefined) this.#payBack(seat);
  }

  #payBack(seat: Seat<ServerConnection>): void {
    this.#owed -= 1;
    this.#close(seat, 'yielded');
  }

  #close(seat: Seat<ServerConnection>, reason: 'idle' | 'yielded'): void {
    this.#drop(seat);
    seat.server.close(reason);
  }

  /** It takes nothing any more, though its place is still to come back. */
  #drop(seat: Seat<ServerConnection>): void {
    this.#seats.delete(seat.server);
    this.#connections.remove(seat);
  }

  /** Connections that Faktory has ended: the socket's close is still to come. */
  #dropDead(): void {
    for (const seat of [...this.#seats.values()]) {
      if (seat.server.state !== 'open') this.#drop(seat);
    }
  }

  #giveUp(command: LaneCommand): void {
    if (command.isWanted) this.#parts.counts.commandsExpired.add(command.verb);
    command.expired();
  }
}

function placingOf({ window, inUse }: LaneWidth): Placing {
  return { window, inUse };
}
