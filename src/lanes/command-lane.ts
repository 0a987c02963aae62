// Hot path. Pooled mode's way for every verb but FETCH. Promise: few server connections carry the
// commands of all clients, packed so that they travel in batches; a slow verb has a connection to
// itself; what a lost connection had not executed goes over another one, and what may have been
// executed is sent again only where twice is the same as once.

import type { Place } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import { Deadlines } from '../base/deadlines.ts';
import { Fifo } from '../base/fifo.ts';
import type { Counts, Verb } from '../observe/counts.ts';
import type { Command, LostFate } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import type { ServerConnection, ServerOwner } from '../server/server-connection.ts';
import type { ServerConnections } from '../server/server-connections.ts';

/**
 * Commands outstanding on one connection; it bounds how many a slow PUSH can hold up. Measured with
 * 200 clients that push as fast as they can, commands per second: 16 on each of 16 connections
 * 18,900, 64 on each of 8 23,000, 128 on each of 2 19,000.
 */
const WINDOW = 64;
/**
 * Connections that commands are spread over before more are used: Faktory answers those of one
 * connection one after another, so a few must share the work, and few make batches. Measured with
 * 20, 200 and 2000 clients, thousand commands per second: over 1 connection 10, 23, 20; over 2 16,
 * 23, 25; over 4 22, 28, 33; over 8 20, 28, 31.
 */
const SPREAD = 4;
/** How often waiting commands are looked over for those that have waited too long. */
const EXPIRY_INTERVAL_MS = 100;

/** A command whose client may have left. */
export interface LaneCommand extends Command {
  /** False once its client has left: nobody reads the reply. */
  readonly isWanted: boolean;
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
  readonly counts: Counts;
  readonly hello: Hello;
  /** One for each server connection; they are the lane's for as long as it lives. */
  readonly places: readonly Place[];
  /** How long a command waits for a server connection. */
  readonly outageWaitMs: number;
}

/** Verbs that Faktory answers after a bounded number of Redis commands. */
const QUICK: ReadonlySet<Verb> = new Set<Verb>(['PUSH', 'ACK', 'FAIL', 'BEAT', 'FETCH']);
/** Executed twice they change nothing that once did not. */
const SENT_AGAIN: ReadonlySet<Verb> = new Set<Verb>(['ACK', 'BEAT', 'INFO', 'FETCH']);
/** Sent even when their client has left: they tell what became of a job. */
const SENT_FOR_THE_GONE: ReadonlySet<Verb> = new Set<Verb>(['ACK', 'FAIL']);

const KEPT_PLACE = { release: () => {} };

interface Connection {
  readonly server: ServerConnection;
  /** A slow verb is outstanding: nothing else goes here. */
  isSlow: boolean;
}

export class CommandLane implements ServerOwner {
  readonly #parts: CommandLaneParts;
  /** For commands that are held back: they wait no longer than those in line. */
  readonly holdDeadlines: Deadlines<LaneCommand>;
  readonly #open: Connection[] = [];
  readonly #byServer = new Map<ServerConnection, Connection>();
  readonly #quick = new Fifo<LaneCommand>();
  readonly #slow = new Fifo<LaneCommand>();
  readonly #slowMax: number;
  #slowNow = 0;
  #expiryIsDue = false;
  #isStopping = false;

  constructor(parts: CommandLaneParts) {
    this.#parts = parts;
    this.holdDeadlines = new Deadlines(parts.clock, parts.outageWaitMs, (held) => held.expired());
    this.#slowMax = Math.max(1, Math.floor(parts.places.length / 2));
  }

  get waiting(): number {
    return this.#quick.length + this.#slow.length;
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
    if (QUICK.has(command.verb)) {
      const connection = this.#quick.length === 0 ? this.#roomForQuick() : null;
      if (connection !== null) this.#send(connection, command);
      else this.#wait(this.#quick, command);
    } else {
      const connection = this.#slow.length === 0 ? this.#roomForSlow() : null;
      if (connection !== null) this.#send(connection, command);
      else this.#wait(this.#slow, command);
    }
  }

  /** What becomes of a command whose server connection was lost. */
  recover(command: LaneCommand, fate: LostFate): void {
    const mayGoAgain = fate === 'unsent' || (fate === 'unanswered' && SENT_AGAIN.has(command.verb));
    if (!mayGoAgain) {
      this.#parts.counts.commandsOutcomeUnknown.add(command.verb);
      command.outcomeUnknown();
      return;
    }
    if (!this.#isWorthSending(command)) return;
    this.#parts.counts.commandsSentAgain.add(command.verb);
    this.submit(command);
  }

  onOpen(server: ServerConnection): void {
    const connection: Connection = { server, isSlow: false };
    this.#open.push(connection);
    this.#byServer.set(server, connection);
    this.#dispatch();
  }

  onAnswered(server: ServerConnection): void {
    const connection = this.#byServer.get(server);
    if (connection === undefined) return;
    if (connection.isSlow && server.outstanding === 0) {
      connection.isSlow = false;
      this.#slowNow -= 1;
    }
    if (this.waiting > 0) this.#dispatch();
  }

  onEnd(server: ServerConnection): void {
    this.#remove(server);
    if (!this.#isStopping) this.#dial();
  }

  /** The connection is of no more use, though it has not ended yet. */
  #remove(server: ServerConnection): void {
    const connection = this.#byServer.get(server);
    if (connection === undefined) return;
    this.#byServer.delete(server);
    this.#open.splice(this.#open.indexOf(connection), 1);
    if (connection.isSlow) this.#slowNow -= 1;
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

  #isWorthSending(command: LaneCommand): boolean {
    return command.isWanted || SENT_FOR_THE_GONE.has(command.verb);
  }

  /** The least busy of the first few with room: few, so that a turn's commands share writes. */
  #roomForQuick(): Connection | null {
    const kept = this.#slow.length > 0 ? this.#keptForSlow() : null;
    let least: Connection | null = null;
    let leastOutstanding = WINDOW;
    let looked = 0;
    for (const connection of this.#open) {
      if (connection === kept || connection.isSlow || connection.server.state !== 'open') continue;
      if (connection.server.outstanding < leastOutstanding) {
        least = connection;
        leastOutstanding = connection.server.outstanding;
      }
      looked += 1;
      if (looked >= SPREAD && least !== null) break;
    }
    return least;
  }

  /** A slow verb waits for an idle connection: this one takes no more, so that it becomes idle. */
  #keptForSlow(): Connection | null {
    if (this.#slowNow >= this.#slowMax) return null;
    for (let i = this.#open.length - 1; i >= 0; i -= 1) {
      const connection = this.#open[i] as Connection;
      if (!connection.isSlow && connection.server.state === 'open') return connection;
    }
    return null;
  }

  /** The last idle connection, away from where quick commands are packed. */
  #roomForSlow(): Connection | null {
    if (this.#slowNow >= this.#slowMax) return null;
    for (let i = this.#open.length - 1; i >= 0; i -= 1) {
      const connection = this.#open[i] as Connection;
      if (connection.isSlow || connection.server.state !== 'open') continue;
      if (connection.server.outstanding === 0) return connection;
    }
    return null;
  }

  #send(connection: Connection, command: LaneCommand): void {
    if (!QUICK.has(command.verb)) {
      connection.isSlow = true;
      this.#slowNow += 1;
    }
    connection.server.send(command);
  }

  #wait(line: Fifo<LaneCommand>, command: LaneCommand): void {
    line.push(command);
    if (!this.#expiryIsDue) this.#scheduleExpiry();
  }

  #scheduleExpiry(): void {
    this.#expiryIsDue = true;
    this.#parts.clock.after(EXPIRY_INTERVAL_MS, () => this.#expire());
  }

  #dispatch(): void {
    this.#dispatchLine(this.#slow, () => this.#roomForSlow());
    this.#dispatchLine(this.#quick, () => this.#roomForQuick());
  }

  #dispatchLine(line: Fifo<LaneCommand>, roomFor: () => Connection | null): void {
    for (let command = line.peek(); command !== undefined; command = line.peek()) {
      if (!this.#isWorthSending(command) || command.holdsBack()) {
        line.shift();
        continue;
      }
      const connection = roomFor();
      if (connection === null) return;
      line.shift();
      this.#parts.counts.laneWaits.observeMs('command', this.#parts.clock.now() - command.readAt);
      this.#send(connection, command);
    }
  }

  /** Commands wait in order of arrival, but one sent again is older than those before it. */
  #expire(): void {
    this.#expiryIsDue = false;
    const before = this.#parts.clock.now() - this.#parts.outageWaitMs;
    for (const line of [this.#slow, this.#quick]) {
      for (let left = line.length; left > 0; left -= 1) {
        const command = line.shift() as LaneCommand;
        if (command.readAt < before) command.expired();
        else line.push(command);
      }
    }
    if (this.waiting > 0 && !this.#expiryIsDue) this.#scheduleExpiry();
  }
}
