// Hot path. The server connections of the command lane. Promise: those of the base are there or being
// dialled for as long as the lane lives, and their places stay with it; one beyond is closed when nobody
// needs it, and gives its place up for a worker that waits for one.

import type { Place, Places } from '../admission/places.ts';
import type { Clock } from '../base/clock.ts';
import type { Command } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import type { ServerConnection, ServerOwner } from '../server/server-connection.ts';
import type { ServerConnections } from '../server/server-connections.ts';
import type { DialReason } from '../server/server-states.ts';
import { type AloneKind, CommandConnections, type Seat } from './command-connections.ts';
import type { MeasuredWidth } from './measured-width.ts';

/** A connection beyond the base that has been idle for so long is closed. */
const SURPLUS_IDLE_MS = 5000;

export interface CommandServersParts {
  readonly servers: ServerConnections;
  readonly clock: Clock;
  readonly hello: Hello;
  readonly places: Places;
}

/** The lane whose commands they carry. */
export interface CommandServersOwner {
  /** A connection has opened. */
  onServerOpen(): void;
  /** A command was answered, or a connection is over: what waited for that may go. */
  onRoom(): void;
}

export class CommandServers implements ServerOwner {
  /** Those that are open, by what is outstanding on them. */
  readonly lists = new CommandConnections<ServerConnection>();
  readonly #parts: CommandServersParts;
  readonly #owner: CommandServersOwner;
  readonly #width: MeasuredWidth;
  readonly #seats = new Map<ServerConnection, Seat<ServerConnection>>();
  readonly #base: number;
  /** Places of the base that no connection has now. */
  readonly #freePlaces: Place[];
  readonly #opening = new Set<ServerConnection>();
  /** Connections that have a place: opening, open and closing. */
  #existing = 0;
  /** Connections that are to be given up for a worker that waits for a place. */
  #owed = 0;
  #isStopping = false;

  /** `places`: of the base. */
  constructor(
    parts: CommandServersParts,
    owner: CommandServersOwner,
    width: MeasuredWidth,
    places: Place[],
  ) {
    this.#parts = parts;
    this.#owner = owner;
    this.#width = width;
    this.#freePlaces = places;
    this.#base = places.length;
    parts.places.onWanted(() => this.#yieldPlace());
  }

  /** Connections that are being dialled. */
  get opening(): number {
    return this.#opening.size;
  }

  /** Whether there are more than the base. */
  get isGrown(): boolean {
    return this.lists.size > this.#base;
  }

  /** Whether a command is at Faktory. */
  get isBusy(): boolean {
    return this.lists.idle < this.lists.size;
  }

  get outstanding(): number {
    let outstanding = 0;
    for (const seat of this.lists) outstanding += seat.outstanding;
    return outstanding;
  }

  /** For how long Faktory has worked on what it has not answered at `now` (monotonic ms): the mean, ms. */
  unansweredMs(now: number): number {
    let sum = 0;
    let busy = 0;
    for (const seat of this.lists) {
      if (seat.list === 'idle' || !this.#isMeasured(seat)) continue;
      sum += seat.server.unansweredMs(now) / seat.jobs;
      busy += 1;
    }
    return busy === 0 ? 0 : sum / busy;
  }

  start(): void {
    for (let i = 0; i < this.#base; i += 1) this.#dial('first');
  }

  stop(): void {
    this.#isStopping = true;
    for (const { server } of [...this.lists]) server.close('stopped');
  }

  /** Dials up to `by` more, as far as there are places. */
  grow(by: number): void {
    for (let i = 0; i < by; i += 1) this.#dial('growth');
  }

  /** Sends `command`, of so many jobs, over the connection at `seat`; `alone`: nothing may join it. */
  send(seat: Seat<ServerConnection>, command: Command, alone: AloneKind | null, jobs = 1): void {
    this.lists.sent(seat, alone, jobs);
    seat.server.send(command);
  }

  /** It takes nothing any more, though its place is still to come back. */
  drop(seat: Seat<ServerConnection>): void {
    this.#seats.delete(seat.server);
    this.lists.remove(seat);
  }

  /** Connections that Faktory has ended: the socket's close is still to come. */
  dropDead(): void {
    // A map may lose what is being looked at.
    for (const seat of this.#seats.values()) {
      if (seat.server.state !== 'open') this.drop(seat);
    }
  }

  /** Closes those that are of no use, or have been idle for long, at `now` (monotonic ms). */
  closeSurplus(now: number): void {
    if (this.#width.isTrying) return;
    const beyondUse = this.lists.surplus(this.#width.placing.inUse, now);
    for (const seat of beyondUse) this.#close(seat, 'idle');
    const unused = this.lists.surplus(this.#base, now - SURPLUS_IDLE_MS);
    for (const seat of unused) this.#close(seat, 'idle');
  }

  onOpen(server: ServerConnection): void {
    this.#opening.delete(server);
    this.#seats.set(server, this.lists.add(server, this.#parts.clock.now()));
    this.#owner.onServerOpen();
  }

  onAnswered(server: ServerConnection): void {
    const seat = this.#seats.get(server);
    if (seat === undefined) return;
    if (this.#isMeasured(seat)) this.#width.answered(seat.jobs, server.workedAtLeastMs);
    this.lists.answered(seat, this.#parts.clock.now());
    if (this.#owed > 0 && seat.list === 'idle') this.#payBack(seat);
    this.#owner.onRoom();
  }

  onEnd(server: ServerConnection): void {
    const seat = this.#seats.get(server);
    if (seat !== undefined) this.drop(seat);
    this.#opening.delete(server);
    this.#existing -= 1;
    if (this.#isStopping) return;
    // What waited for it to be idle, or for its like to be fewer, may go over another.
    this.#owner.onRoom();
    if (this.#existing < this.#base) this.#dial('redial');
  }

  /** Whether what is on it tells how long Faktory works on a quick command. */
  #isMeasured(seat: Seat<ServerConnection>): boolean {
    return seat.list !== 'slow' && !this.lists.isForMemory(seat);
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

  /** A worker waits for a place: one beyond the base is given up, now or with its next answer. */
  #yieldPlace(): void {
    if (this.#existing - this.#owed <= this.#base) return;
    this.#owed += 1;
    const [seat] = this.lists.surplus(this.#base, Infinity);
    if (seat !== undefined) this.#payBack(seat);
  }

  #payBack(seat: Seat<ServerConnection>): void {
    this.#owed -= 1;
    this.#close(seat, 'yielded');
  }

  #close(seat: Seat<ServerConnection>, reason: 'idle' | 'yielded'): void {
    this.drop(seat);
    seat.server.close(reason);
  }
}
