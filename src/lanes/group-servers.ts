// Hot path. The server connections of one worker's FETCHes. Promise: the first keeps the worker known to
// Faktory and stays; the others open as they are needed, close after a while without a FETCH, and give
// their place to a worker that waits for one.

import type { Place, Places } from '../admission/places.ts';
import type { Deadlines } from '../base/deadlines.ts';
import type { Live } from '../base/live.ts';
import type { Hello } from '../protocol/hello.ts';
import type { ServerEndReason } from '../server/server-states.ts';
import { giveUp } from './fetch-growth.ts';
import { FetchServer, type FetchServerGroup, type FetchServerParts } from './fetch-server.ts';
import type { LaneSettings } from './lane-settings.ts';

export interface GroupServersParts extends FetchServerParts {
  readonly places: Places;
  readonly settings: Live<LaneSettings>;
  /** Tells a server connection when it has had no FETCH for pool.linger. */
  readonly lingerLimits: Deadlines<FetchServer>;
}

/** What the first server connection begins with. */
export interface FirstServer {
  /** In whose name all of them say HELLO. */
  readonly hello: Hello;
  readonly place: Place | null;
}

const KEPT_PLACE = { release: () => {} };

export class GroupServers {
  readonly #parts: GroupServersParts;
  readonly #group: FetchServerGroup;
  readonly #hello: Hello;
  readonly #all = new Set<FetchServer>();
  #first: FetchServer | null = null;
  /** Without a FETCH, beside the first; the one that had a FETCH last is used first. */
  readonly #idle: FetchServer[] = [];
  /** For the first; kept from one to the next. */
  #firstPlace: Place | null;

  constructor(parts: GroupServersParts, group: FetchServerGroup, first: FirstServer) {
    this.#parts = parts;
    this.#group = group;
    this.#hello = first.hello;
    this.#firstPlace = first.place;
  }

  get size(): number {
    return this.#all.size;
  }

  get hasFirst(): boolean {
    return this.#first !== null;
  }

  get open(): number {
    let open = 0;
    for (const { isOpen } of this.#all) if (isOpen) open += 1;
    return open;
  }

  /** Those that the worker can do without. */
  get spare(): number {
    let spare = 0;
    for (const { isFirst, yields } of this.#all) if (!isFirst && !yields) spare += 1;
    return spare;
  }

  /** Dials one more: the first, if there is none. False if there is no place for it. */
  dial(): boolean {
    const isFirst = this.#first === null;
    const place = isFirst ? this.#placeOfFirst() : this.#parts.places.take('worker');
    if (place === null) return false;
    const server = new FetchServer(this.#parts, this.#group, {
      hello: this.#hello,
      place: isFirst ? KEPT_PLACE : place,
      isFirst,
    });
    this.#all.add(server);
    if (isFirst) this.#first = server;
    return true;
  }

  /** One that can carry a FETCH, or null; the first before all others, so that they become idle. */
  takeFree(): FetchServer | null {
    if (this.#first?.isFree === true) return this.#first;
    for (let server = this.#idle.pop(); server !== undefined; server = this.#idle.pop()) {
      if (server.isFree) return server;
    }
    return null;
  }

  /** `server` has no FETCH any more. */
  rest(server: FetchServer, now: number): void {
    if (server.yields) {
      server.connection.close('yielded');
      return;
    }
    if (server.isFirst || !server.isFree) return;
    server.idleSince = now;
    this.#idle.push(server);
    if (!server.lingers) this.#linger(server, now);
  }

  /** The time to look whether `server` is idle for too long. */
  onLingered(server: FetchServer, now: number): void {
    server.lingers = false;
    if (!server.isFree) return;
    if (now - server.idleSince < this.#parts.settings.current.lingerMs) this.#linger(server, now);
    else server.connection.close('idle');
  }

  /** Gives up the one that can be spared soonest. */
  yieldPlace(): void {
    const choice = giveUp(this.#all);
    if (choice.kind === 'none') return;
    choice.server.yields = true;
    if (choice.kind === 'close') this.#close(choice.server, 'yielded');
  }

  /** Calls off what has not been sent. */
  callOff(): void {
    for (const server of this.#all) server.callOff();
  }

  /** Closes those that have no FETCH at Faktory; true if none is left. */
  closeAll(): boolean {
    for (const server of this.#all) this.#close(server, 'client_gone');
    if (this.#all.size > 0) return false;
    this.#firstPlace?.release();
    this.#firstPlace = null;
    return true;
  }

  onEnd(server: FetchServer): void {
    this.#all.delete(server);
    if (server === this.#first) this.#first = null;
    const at = this.#idle.indexOf(server);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #placeOfFirst(): Place | null {
    // What clients without wid hold first is the producers': workers cannot keep them from it.
    this.#firstPlace ??= this.#parts.places.take(
      this.#group.worker === null ? 'producer' : 'worker',
    );
    return this.#firstPlace;
  }

  #linger(server: FetchServer, now: number): void {
    server.lingers = true;
    this.#parts.lingerLimits.add(server, now);
  }

  #close(server: FetchServer, reason: ServerEndReason): void {
    if (server.callOff()) server.connection.close(reason);
  }
}
