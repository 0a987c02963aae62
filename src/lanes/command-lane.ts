// Hot path. Pooled mode's way for every verb but FETCH. Promise: few server connections carry the
// commands of all clients, packed so that they travel in batches; a slow verb, or a PUSHB made of
// several clients' PUSHes, has a connection to itself; what a lost connection had not executed goes
// over another one, and what may have been executed is sent again only where twice is the same as
// once.

import type { Place } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from '../base/deadlines.ts';
import { Fifo } from '../base/fifo.ts';
import type { Live } from '../base/live.ts';
import type { LaneCounts } from './lane-counts.ts';
import type { LaneSettings } from './lane-settings.ts';
import { afterLoss, isWorthSending, type LostFate } from '../protocol/after-loss.ts';
import type { Command } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import { MEANING } from '../protocol/verbs.ts';
import type { ServerConnection, ServerOwner } from '../server/server-connection.ts';
import type { ServerConnections } from '../server/server-connections.ts';
import { BulkPush, type BulkPushParts } from './bulk-push.ts';
import { type BulkCarrier, PushGatherer } from './push-gatherer.ts';

/**
 * Commands outstanding on one connection; it bounds how many a slow PUSH can hold up. Measured with
 * 200 clients that push as fast as they can, commands per second: 16 on each of 16 connections
 * 18,900, 64 on each of 8 23,000, 128 on each of 2 19,000.
 */
const WINDOW = 64;
/**
 * Connections that commands are spread over before more are used: Faktory answers those of one
 * connection one after another, so a few must share the work, and few make batches. Measured over 4,
 * 8 and 16 connections: with 20, 200 and 2000 clients that push, thousand PUSHes per second, 20, 31
 * and 30; 21, 30 and 33; 22, 30 and 33. With 20 that push and 200 that fetch and acknowledge, jobs
 * per second and a job's way: 5000 in 180 ms, 5400 in 28 to 85 ms, 5100 in 7 ms; with 4000 that
 * fetch, 5400 in 80 ms, 5100 in 25 ms, 4600 in 7 ms.
 */
const SPREAD = 8;
/**
 * Larger commands take the least busy of all connections: Faktory reads and answers one for longer
 * than a shared write saves. Measured with 20 clients that push 10 kB or 1 MB, spread over 4
 * connections and over all: 5,480 and 6,430 PUSHes per second, 129 and 139.
 */
const PACKED_BYTES_MAX = 4096;
/**
 * PUSHBs outstanding at once, made of several clients' PUSHes: Faktory works off the jobs of each one
 * after another, with a round trip to Redis for each. Measured with 200 and 2000 clients, thousand
 * PUSHes per second: with 2 29, 28; with 4 30, 31; with 8 35, 38; with 16 37, 35.
 */
const BULKS_MAX = 8;
/** How often waiting commands are looked over for those that have waited too long. */
const EXPIRY_INTERVAL_MS = 100;

/** A command whose client may have left. */
export interface LaneCommand extends Command {
  /** False once its client has left: nobody reads the reply. */
  readonly isWanted: boolean;
  /** Whether it is a PUSH that may become part of a PUSHB. */
  mayShare: boolean;
  /** It is about to be sent; true where that must wait: it takes care of itself until then. */
  holdsBack(): boolean;
  /** It could not be sent within outage_wait: Faktory has not seen it. */
  expired(): void;
  /** It may have been executed, or its reply was cut. */
  outcomeUnknown(): void;
}

export interface CommandLaneParts {
  readonly servers: ServerConnections;
  readonly clock: Clock;
  readonly counts: LaneCounts;
  readonly hello: Hello;
  /** One for each server connection; they are the lane's for as long as it lives. */
  readonly places: readonly Place[];
  readonly settings: Live<LaneSettings>;
}

const KEPT_PLACE = { release: () => {} };

interface Connection {
  readonly server: ServerConnection;
  /** What is outstanding there where nothing else may go: a slow verb, or a PUSHB of PUSHes. */
  alone: 'slow' | 'bulk' | null;
}

export class CommandLane implements ServerOwner, BulkCarrier {
  readonly #parts: CommandLaneParts;
  /** For commands that are held back: they wait no longer than those in line. */
  readonly holdDeadlines: Deadlines<LaneCommand>;
  readonly #open: Connection[] = [];
  readonly #byServer = new Map<ServerConnection, Connection>();
  readonly #quick = new Fifo<LaneCommand>();
  readonly #slow = new Fifo<LaneCommand>();
  readonly #pushes = new PushGatherer(this);
  readonly #bulkPushParts: BulkPushParts;
  readonly #slowMax: number;
  readonly #bulksMax: number;
  #slowNow = 0;
  #bulksNow = 0;
  #expiryIsDue = false;
  #isStopping = false;

  constructor(parts: CommandLaneParts) {
    this.#parts = parts;
    this.holdDeadlines = new Deadlines(
      parts.clock,
      () => parts.settings.current.outageWaitMs,
      (held) => this.#giveUp(held),
    );
    this.#bulkPushParts = {
      clock: parts.clock,
      counts: parts.counts,
      pushAlone: (push) => this.#pushAlone(push),
    };
    this.#slowMax = Math.max(1, Math.floor(parts.places.length / 2));
    this.#bulksMax = Math.min(BULKS_MAX, this.#slowMax);
  }

  get waiting(): number {
    return this.#quick.length + this.#slow.length + this.#pushes.waiting.length;
  }

  get outstanding(): number {
    let outstanding = 0;
    for (const { server } of this.#open) outstanding += server.outstanding;
    return outstanding;
  }

  start(): void {
    for (let i = 0; i < this.#parts.places.length; i += 1) this.#dial();
  }

  stop(): void {
    this.#isStopping = true;
    for (const { server } of [...this.#open]) server.close('stopped');
  }

  submit(command: LaneCommand): void {
    if (command.mayShare && this.#parts.settings.current.bulkPush && !this.#isIdle()) {
      this.#pushes.add(command);
      this.#scheduleExpiry();
      return;
    }
    const isQuick = MEANING[command.verb].pace === 'quick';
    const line = isQuick ? this.#quick : this.#slow;
    const room =
      line.length > 0 ? null : isQuick ? this.#roomForQuick(command) : this.#roomForSlow();
    if (room !== null) {
      this.#send(room, command, isQuick ? null : 'slow');
      return;
    }
    line.push(command);
    this.#scheduleExpiry();
  }

  bulkRoom(): number {
    let idle = 0;
    const most = this.#bulksMax - this.#bulksNow;
    for (const connection of this.#open) {
      if (idle === most) break;
      if (isIdle(connection)) idle += 1;
    }
    return idle;
  }

  carry(pushes: readonly LaneCommand[]): void {
    const { clock, counts } = this.#parts;
    const connection = this.#open.find(isIdle);
    const [first] = pushes;
    if (connection === undefined || first === undefined) return;
    const now = clock.now();
    for (const push of pushes) counts.waits.observeMs('command', now - push.readAt);
    if (pushes.length === 1) {
      this.#send(connection, first, null);
      return;
    }
    const bulk = new BulkPush(this.#bulkPushParts, pushes, now);
    this.#send(connection, bulk.command, 'bulk');
  }

  #pushAlone(push: LaneCommand): void {
    push.mayShare = false;
    if (push.isWanted) this.submit(push);
  }

  /** With nothing on its way and nothing waiting there is nothing to gather: a PUSH goes at once. */
  #isIdle(): boolean {
    const first = this.#open[0];
    return (
      this.#bulksNow === 0 &&
      this.#pushes.waiting.length === 0 &&
      first !== undefined &&
      isIdle(first)
    );
  }

  /** What becomes of a command whose server connection was lost. */
  recover(command: LaneCommand, fate: LostFate): void {
    const { counts } = this.#parts;
    switch (afterLoss(command.verb, fate, command.isWanted)) {
      case 'outcome_unknown':
        counts.commandsOutcomeUnknown.add(command.verb);
        command.outcomeUnknown();
        return;
      case 'sent_again':
        counts.commandsSentAgain.add(command.verb);
        this.submit(command);
        return;
      case 'dropped':
        return;
    }
  }

  onOpen(server: ServerConnection): void {
    const connection: Connection = { server, alone: null };
    this.#open.push(connection);
    this.#byServer.set(server, connection);
    this.#dispatch();
  }

  onAnswered(server: ServerConnection): void {
    const connection = this.#byServer.get(server);
    if (connection === undefined) return;
    if (server.outstanding === 0) this.#release(connection);
    if (this.waiting > 0) this.#dispatch();
  }

  onEnd(server: ServerConnection): void {
    this.#remove(server);
    if (this.#isStopping) return;
    // What waited for it to be idle, or for its like to be fewer, may go over another.
    if (this.waiting > 0) this.#dispatch();
    this.#dial();
  }

  /** The connection is of no more use, though it has not ended yet. */
  #remove(server: ServerConnection): void {
    const connection = this.#byServer.get(server);
    if (connection === undefined) return;
    this.#byServer.delete(server);
    this.#open.splice(this.#open.indexOf(connection), 1);
    this.#release(connection);
  }

  /** Nothing is outstanding there any more that keeps others away. */
  #release(connection: Connection): void {
    if (connection.alone === 'slow') this.#slowNow -= 1;
    else if (connection.alone === 'bulk') this.#bulksNow -= 1;
    connection.alone = null;
  }

  #dial(): void {
    this.#parts.servers.open({
      lane: 'command',
      hello: this.#parts.hello,
      place: KEPT_PLACE,
      owner: this,
      isShared: true,
    });
  }

  /** The least busy of the first few with room: few, so that a turn's commands share writes. */
  #roomForQuick({ line, readAt }: LaneCommand): Connection | null {
    const spread = line.length > PACKED_BYTES_MAX ? this.#open.length : SPREAD;
    const keptForSlow = this.#slow.length > 0 ? this.#keptForSlow() : null;
    const push = this.#pushes.waiting.peek();
    // Not from what has waited longer: PUSHes that always wait would keep all else away.
    const keptForBulk = push !== undefined && push.readAt <= readAt ? this.#keptForBulk() : null;
    let least: Connection | null = null;
    let leastOutstanding = WINDOW;
    let looked = 0;
    for (const connection of this.#open) {
      if (connection === keptForSlow || connection === keptForBulk) continue;
      if (!isShared(connection)) continue;
      if (connection.server.outstanding < leastOutstanding) {
        least = connection;
        leastOutstanding = connection.server.outstanding;
      }
      looked += 1;
      if (looked >= spread && least !== null) break;
    }
    return least;
  }

  /** A slow verb waits for an idle connection: this one takes no more, so that it becomes idle. */
  #keptForSlow(): Connection | null {
    if (this.#slowNow >= this.#slowMax) return null;
    for (let i = this.#open.length - 1; i >= 0; i -= 1) {
      const connection = this.#open[i] as Connection;
      if (isShared(connection)) return connection;
    }
    return null;
  }

  /** While PUSHes wait to go together, the first connection takes no more, until it is idle. */
  #keptForBulk(): Connection | null {
    return this.#bulksNow > 0 ? null : (this.#open.find(isShared) ?? null);
  }

  /** The last idle connection, away from where quick commands are packed. */
  #roomForSlow(): Connection | null {
    if (this.#slowNow >= this.#slowMax) return null;
    for (let i = this.#open.length - 1; i >= 0; i -= 1) {
      const connection = this.#open[i] as Connection;
      if (isIdle(connection)) return connection;
    }
    return null;
  }

  #send(connection: Connection, command: Command, alone: Connection['alone']): void {
    connection.alone = alone;
    if (alone === 'slow') this.#slowNow += 1;
    else if (alone === 'bulk') this.#bulksNow += 1;
    connection.server.send(command);
  }

  #scheduleExpiry(): void {
    if (this.#expiryIsDue) return;
    this.#expiryIsDue = true;
    this.#parts.clock.after(EXPIRY_INTERVAL_MS, () => this.#expire());
  }

  #dispatch(): void {
    this.#dispatchLine(this.#slow, 'slow');
    this.#dispatchLine(this.#quick, null);
    this.#pushes.onRoom();
  }

  #dispatchLine(line: Fifo<LaneCommand>, alone: 'slow' | null): void {
    for (let command = line.peek(); command !== undefined; command = line.peek()) {
      if (!isWorthSending(command.verb, command.isWanted) || command.holdsBack()) {
        line.shift();
        continue;
      }
      const connection = alone === 'slow' ? this.#roomForSlow() : this.#roomForQuick(command);
      if (connection === null) return;
      line.shift();
      this.#parts.counts.waits.observeMs('command', this.#parts.clock.now() - command.readAt);
      this.#send(connection, command, alone);
    }
  }

  #giveUp(command: LaneCommand): void {
    if (command.isWanted) this.#parts.counts.commandsExpired.add(command.verb);
    command.expired();
  }

  /** Commands wait in order of arrival, but one sent again is older than those before it. */
  #expire(): void {
    this.#expiryIsDue = false;
    const before = this.#parts.clock.now() - this.#parts.settings.current.outageWaitMs;
    for (const line of [this.#slow, this.#quick, this.#pushes.waiting]) {
      for (let left = line.length; left > 0; left -= 1) {
        const command = line.shift() as LaneCommand;
        if (command.readAt < before) this.#giveUp(command);
        else line.push(command);
      }
    }
    if (this.waiting > 0) this.#scheduleExpiry();
  }
}

/** Whether quick commands of many clients may go over it. */
function isShared({ alone, server }: Connection): boolean {
  return alone === null && server.state === 'open';
}

function isIdle(connection: Connection): boolean {
  return isShared(connection) && connection.server.outstanding === 0;
}
