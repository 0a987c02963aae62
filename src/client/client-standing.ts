// What a client that has sent HELLO is to the bouncer, producer or worker, and the lane that it has as
// that. Promise: a wid is believed while workers may have one more place; after that it is what the
// client does that counts, so that a PUSH finds a place however many workers wait.
//
//   waiting, opening -> placed
//          |-> unplaced -> waiting, opening      its first command shows what it is
//   placed -> waiting, opening                   a later command shows that it is a worker

import type { Place } from '../admission/places.ts';
import type { Role } from '../admission/roles.ts';
import type { Deadline } from '../base/deadlines.ts';
import type { Lane, LaneClient } from '../lanes/lane.ts';
import type { Refusal } from '../protocol/error-texts.ts';
import type { Hello } from '../protocol/hello.ts';
import { OK } from '../protocol/replies.ts';
import type { Verb } from '../protocol/verbs.ts';
import type { Whereabouts } from './client-connections.ts';
import type { Login } from './client-login.ts';
import type { ClientParts, Expiring } from './client-parts.ts';
import { type Asked, ClientRequest, type RequestOwner } from './client-request.ts';
import type { ClientTraffic } from './client-traffic.ts';
import type { ClientIdentity } from './command-guard.ts';

/** The connection whose standing it is. */
export interface StandingOwner extends LaneClient, Expiring {
  readonly address: string;
  moveTo(to: Whereabouts): void;
  refuse(refusal: Refusal): void;
  guarded(act: () => void): void;
  /** Takes up what can be. */
  goOn(): void;
  /** Ends a client that has left and has left nothing to do; false for any other. */
  endIfLeft(): boolean;
}

type State =
  /** In the lists' state waiting or opening. */
  | { readonly kind: 'asking'; readonly request: ClientRequest }
  /** Has read +OK, has no lane; its first command decides what it asks for. */
  | { readonly kind: 'unplaced' }
  /** Has read +OK; commands flow. In the lists' state open. */
  | { readonly kind: 'placed'; readonly request: ClientRequest; readonly lane: Lane };

export class ClientStanding implements RequestOwner {
  readonly identity: ClientIdentity;
  readonly #parts: ClientParts;
  readonly #owner: StandingOwner;
  readonly #traffic: ClientTraffic;
  /** As the client described itself. */
  readonly hello: Hello;
  #state: State;
  #hasReadOk = false;
  /** It has sent FETCH or BEAT. */
  #works = false;

  constructor(parts: ClientParts, owner: StandingOwner, traffic: ClientTraffic, login: Login) {
    this.#parts = parts;
    this.#owner = owner;
    this.#traffic = traffic;
    this.hello = login.hello;
    const { wid, username } = login.hello;
    this.identity = { address: owner.address, wid, username };
    const isUnproven = login.hello.wid !== '';
    const role: Role = isUnproven ? 'worker' : 'producer';
    this.#state = this.#asking({ ...login, role, isUnproven });
  }

  get address(): string {
    return this.#owner.address;
  }

  get laneClient(): LaneClient {
    return this.#owner;
  }

  /** The one lane it has; null before, after, and while it has none. */
  get lane(): Lane | null {
    return this.#state.kind === 'placed' ? this.#state.lane : null;
  }

  get isUnplaced(): boolean {
    return this.#state.kind === 'unplaced';
  }

  /** The request that is being decided. */
  get asking(): ClientRequest | null {
    return this.#state.kind === 'asking' ? this.#state.request : null;
  }

  /** The request that is being decided or was granted; null for one without a lane. */
  get request(): ClientRequest | null {
    return this.#state.kind === 'unplaced' ? null : this.#state.request;
  }

  /** As HELLO says; empty for none. */
  get wid(): string {
    return this.hello.wid;
  }

  /** The wid of one that has a worker's standing. */
  get worker(): string | null {
    if (this.#state.kind === 'unplaced') return null;
    const { role, wid } = this.#state.request;
    return role === 'worker' ? wid : null;
  }

  /** Asks for what HELLO says. */
  begin(): void {
    const { asking } = this;
    if (asking !== null) this.#ask(asking);
  }

  entered(state: 'opening'): void {
    if (this.#state.kind === 'asking') {
      this.#owner.moveTo({ role: this.#state.request.role, state });
    }
  }

  refuse(refusal: Refusal): void {
    this.#owner.refuse(refusal);
  }

  guarded(act: () => void): void {
    this.#owner.guarded(act);
  }

  undecided(): void {
    const { asking } = this;
    if (asking === null) return;
    this.#unplace(asking);
    this.#sayOk();
    this.#owner.goOn();
  }

  granted(lane: Lane): void {
    const { asking } = this;
    if (asking === null) return;
    this.#state = { kind: 'placed', request: asking, lane };
    this.#owner.moveTo({ role: asking.role, state: 'open' });
    this.#traffic.connect(lane);
    this.#sayOk();
    this.#traffic.dropLateFetch(this.#parts.wiring.turns.now());
    this.#owner.goOn();
  }

  laneReady(): void {
    this.asking?.laneReady();
  }

  /** An unplaced client's first command has come. */
  show(verb: Verb): void {
    // BEAT and FETCH are a worker's; every other verb may be a producer's.
    const role: Role = verb === 'FETCH' || verb === 'BEAT' ? 'worker' : 'producer';
    // Also where the command is answered without a lane, since the wait for one was too long.
    if (role === 'worker' && !this.#works) this.#beginToWork();
    const { openingDeadlines, fetchDeadlines, wiring } = this.#parts;
    const at = wiring.turns.now();
    // A FETCH is answered when Faktory would have answered it.
    const deadlines = verb === 'FETCH' ? fetchDeadlines : openingDeadlines;
    const deadline: Deadline = deadlines.add(this.#owner, at);
    const asking = this.#asking({ hello: this.hello, role, isUnproven: false, at, deadline });
    this.#state = asking;
    this.#ask(asking.request);
  }

  /** The place that is free when it ends; in pooled mode a place is its worker's. */
  get place(): Place | null {
    const state = this.#state;
    return state.kind === 'placed' && !state.lane.isShared ? state.request.place : null;
  }

  /** Whether it, or another connection of its worker, has sent FETCH or BEAT. */
  get isInUse(): boolean {
    const { wid } = this.hello;
    return this.#works || (wid !== '' && this.#parts.idle.isWorking(wid));
  }

  /** It sends `verb`, which only a worker does: whether its standing allows that. */
  mayWork(verb: Verb): boolean {
    if (this.#state.kind !== 'placed') return false;
    if (!this.#works) this.#beginToWork();
    if (this.#state.request.role === 'worker') return true;
    if (this.#state.request.wid !== null) return false;
    return verb !== 'FETCH' || !this.#parts.lanes.needsPlace('worker', null);
  }

  /** Takes a worker's standing for `verb`. False if it has to be asked for: it has no lane until then. */
  rise(verb: Verb): boolean {
    if (this.#state.kind !== 'placed') return false;
    const { request } = this.#state;
    if (request.riseInPlace()) {
      this.#owner.moveTo({ role: 'worker', state: 'open' });
      return true;
    }
    this.leaveLane();
    this.show(verb);
    return false;
  }

  /** Gives the lane back; what the client has sent stays. */
  leaveLane(): void {
    if (this.#state.kind !== 'placed') return;
    this.#traffic.connect(null);
    this.#unplace(this.#state.request);
  }

  letGo(): void {
    if (this.#works && this.hello.wid !== '') this.#parts.idle.worksNoMore(this.hello.wid);
    if (this.#state.kind !== 'unplaced') this.#state.request.letGo();
  }

  #beginToWork(): void {
    this.#works = true;
    if (this.hello.wid !== '') this.#parts.idle.works(this.hello.wid);
  }

  #asking(asked: Asked): { readonly kind: 'asking'; readonly request: ClientRequest } {
    return { kind: 'asking', request: new ClientRequest(this.#parts, this, asked) };
  }

  /** One that has left has come so far only for the commands that it has sent whole. */
  #ask(request: ClientRequest): void {
    this.#owner.moveTo({ role: request.role, state: 'waiting' });
    if (!this.#owner.endIfLeft()) request.ask();
  }

  #unplace(request: ClientRequest): void {
    this.#state = { kind: 'unplaced' };
    this.#owner.moveTo({ role: request.role, state: 'unplaced' });
    request.letGo();
  }

  #sayOk(): void {
    if (this.#hasReadOk) return;
    this.#hasReadOk = true;
    this.#traffic.tell(OK);
  }
}
