// Hot path. A client connection's life, from accept to close. Promise: it is in exactly one state, and
// what a state holds is let go of in one place; whatever ends it, it ends once and for one reason; a
// defect met on the client's behalf ends this client only.
//
//   accepted -> handshake -> authenticating -> waiting -> opening -> open -> closing -> (ended)
//      |___________|____________|______________|__________|-> refusing -> refused -> (ended)
//   waiting -> unplaced -> waiting, open -> waiting: see client-standing.ts

import type { DoorDecision, Visitor } from '../admission/admission.ts';
import type { AdmissionOutcome } from '../admission/outcomes.ts';
import type { Place } from '../admission/places.ts';
import type { Timer } from '../base/clock.ts';
import { eachOf } from '../base/each-of.ts';
import { Wire } from '../base/wire.ts';
import type { WireEnd, WireOwner } from '../base/wire-owner.ts';
import type { Approach, StageFault, WireSocket } from '../base/wire-socket.ts';
import type { LaneLoss } from '../lanes/lane.ts';
import type { Command } from '../protocol/command.ts';
import { type Refusal, refusalText } from '../protocol/error-texts.ts';
import type { Verb } from '../protocol/verbs.ts';
import type { ListedClient, Whereabouts } from './client-connections.ts';
import type { ClientFacts } from './client-facts.ts';
import {
  endReasonOf,
  faultText,
  isHangUp,
  nextParting,
  noteEnd,
  noteRefusal,
  refusalDelayMs,
} from './client-farewell.ts';
import { ClientLogin, type Login, type LoginOwner } from './client-login.ts';
import type { ClientParts } from './client-parts.ts';
import { ClientStanding, type StandingOwner } from './client-standing.ts';
import type { ClientEndReason, ClientState } from './client-states.ts';
import { ClientTraffic, type Taken, type TrafficClient } from './client-traffic.ts';
import type { ClientIdentity } from './command-guard.ts';

/** Each member owns what it needs; a client's place in the lists says more than these. */
type Life =
  /** In state accepted, handshake or authenticating. */
  | { readonly kind: 'logging_in'; readonly login: ClientLogin }
  /** In state waiting, opening, unplaced or open. */
  | { readonly kind: 'logged_in'; readonly standing: ClientStanding }
  /** Holds nothing any more; its text waits for refusal_delay. */
  | { readonly kind: 'refusing'; readonly timer: Timer; readonly wid: string | null }
  /** In state refused or closing: what was to be said has been written, and the wire is parting. */
  | { readonly kind: 'over' };

/** How much of the client is there. */
type Presence =
  | { readonly kind: 'here' }
  /** It has sent FIN, and may read on; or it is gone. What it has sent whole is executed all the same. */
  | { readonly kind: 'said_all' | 'gone'; readonly how: 'client_closed' | 'client_reset' };

/** `until_idle`: the bouncer stops, and closes the client as soon as nothing is outstanding. */
type Stay = 'unlimited' | 'until_idle';

export class ClientConnection
  implements WireOwner, LoginOwner, StandingOwner, TrafficClient, ListedClient
{
  readonly #parts: ClientParts;
  readonly #wire: Wire;
  readonly #traffic: ClientTraffic;
  readonly #id: number;
  readonly #acceptedAt: number;
  #movedAt: number;
  #life: Life;
  #whereabouts: Whereabouts = { role: 'unknown', state: 'accepted' };
  #presence: Presence = { kind: 'here' };
  /** What the door has decided, where that was before its stage was over; null: it has not been asked. */
  #atDoor: DoorDecision | null = null;
  /** What it is told in place of a refusal's text, which it could not read yet. */
  #wordless: Buffer | null = null;
  #stay: Stay = 'unlimited';

  /** `id`: its number, which no other client of the bouncer has. */
  constructor(parts: ClientParts, socket: WireSocket, id: number) {
    this.#parts = parts;
    this.#id = id;
    this.#wire = new Wire(parts.wiring, parts.counts.bytes, socket, this);
    this.#traffic = new ClientTraffic(parts, this.#wire, this);
    this.#acceptedAt = this.#traffic.lastReadAt;
    this.#movedAt = this.#acceptedAt;
    this.#life = { kind: 'logging_in', login: new ClientLogin(parts, this, this.#traffic.lines) };
  }

  get address(): string {
    return this.#wire.remoteAddress;
  }

  get worker(): string | null {
    return this.#life.kind === 'logged_in' ? this.#life.standing.worker : null;
  }

  get identity(): ClientIdentity | null {
    return this.#life.kind === 'logged_in' ? this.#life.standing.identity : null;
  }

  get takesReplies(): boolean {
    return this.#traffic.takesReplies;
  }

  get hasLeft(): boolean {
    return this.#presence.kind !== 'here';
  }

  get place(): Place | null {
    return this.#life.kind === 'logged_in' ? this.#life.standing.place : null;
  }

  get request(): Visitor | null {
    return this.#life.kind === 'logged_in' ? this.#life.standing.request : null;
  }

  get idleSince(): number | null {
    if (this.#life.kind !== 'logged_in' || this.#presence.kind !== 'here') return null;
    return this.#life.standing.isInUse ? null : this.#traffic.idleSince;
  }

  describe(): ClientFacts {
    return {
      id: this.#id,
      address: this.address,
      ...this.#whereabouts,
      stateSince: this.#movedAt,
      acceptedAt: this.#acceptedAt,
      hello: this.#life.kind === 'logged_in' ? this.#life.standing.hello : null,
      ...this.#traffic.facts,
      bytesSent: this.#wire.written,
    };
  }

  /** It exists from now on. */
  start(): void {
    const { counts, clients, settings } = this.#parts;
    counts.accepted.total += 1;
    clients.move(this, null, this.#whereabouts);
    this.#wire.keepAlive(settings.current.keepaliveMs);
    const approach = this.#parts.approach(this.address, (address) => this.#isWanted(address));
    if (approach === null || this.#life.kind !== 'logging_in') {
      this.#wire.open();
    } else if (approach.isAddressKnown && !this.#isWanted(this.address)) {
      // Not a byte of it is read, and no place at the gate is taken.
      this.#wordless = approach.refusal;
      this.#wire.open();
    } else {
      this.#wire.openThrough(this.#life.login.behind(approach.stage), (fault, detail) =>
        this.#notLetThrough(approach, fault, detail),
      );
    }
  }

  /** Waits for its greeting, or is refused where not even a handshake is to be spent. */
  onReady(): void {
    const { clients, admission } = this.#parts;
    if (!this.#mayEnter(this.#atDoor ?? this.#arrive(this.address))) return;
    if (!this.#mayEnter(admission.enter(clients.admittable - 1))) return;
    clients.noteEntered();
    if (this.#life.kind === 'logging_in') this.#life.login.ready();
  }

  onData(chunk: Buffer, now: number): void {
    if (this.#life.kind === 'refusing') return;
    this.#traffic.received(chunk, now);
    if (this.#life.kind === 'logging_in') this.#life.login.read();
    this.goOn();
  }

  onDrain(): void {
    this.#traffic.drained();
    this.goOn();
  }

  onEnd(): void {
    this.#left({ kind: 'said_all', how: 'client_closed' });
  }

  onClose(end: WireEnd): void {
    const reason = endReasonOf(end);
    this.#traffic.drained();
    if (this.#life.kind === 'over') this.#forget();
    else if (reason === 'client_reset') this.#left({ kind: 'gone', how: reason });
    else this.end(reason, null);
  }

  onHandshakeDeadline(): void {
    this.guarded(() => {
      if (this.#life.kind === 'logging_in') this.#life.login.expired();
    });
  }

  /** The time from HELLO, or from a command that has to wait, to a lane is over. */
  onOpeningDeadline(): void {
    this.guarded(() => {
      const { admission, health } = this.#parts;
      const visitor = this.#life.kind === 'logged_in' ? this.#life.standing.asking : null;
      this.refuse(admission.outOfTime(visitor, health), 'timed_out');
    });
  }

  loggedIn(login: Login): void {
    if (!this.#mayEnter(this.#parts.door.introduce(login.hello.wid, login.at))) {
      login.deadline.cancel();
      return;
    }
    const standing = new ClientStanding(this.#parts, this, this.#traffic, login);
    this.#life = { kind: 'logged_in', standing };
    standing.begin();
  }

  onLaneReady(): void {
    this.guarded(() => {
      if (this.#life.kind === 'logged_in') this.#life.standing.laneReady();
    });
  }

  onReply(command: Command, piece: Buffer, last: boolean): void {
    try {
      this.#traffic.reply(command, piece, last);
      if (last && !this.#isAtRest) this.goOn();
    } catch (error) {
      this.#broke(error);
    }
  }

  onLaneLost(loss: LaneLoss): void {
    this.guarded(() => this.end(loss, null));
  }

  tell(bytes: Buffer): void {
    this.#traffic.tell(bytes);
  }

  mayWork(verb: Verb): boolean {
    return this.#life.kind === 'logged_in' && this.#life.standing.mayWork(verb);
  }

  rise(verb: Verb): boolean {
    return this.#life.kind === 'logged_in' && this.#life.standing.rise(verb);
  }

  /** Takes the client out of everything, and tells it why, after refusal_delay if that is set. */
  refuse(refusal: Refusal, outcome: AdmissionOutcome = 'refused'): void {
    const life = this.#life;
    if (life.kind === 'refusing' || life.kind === 'over') return;
    const decided = life.kind === 'logging_in' ? life.login : life.standing.asking;
    eachOf(this.#parts.wiring.onBug, [
      () => decided?.decided(outcome),
      () => this.#refuse(this.#wordless ?? refusalText(refusal)),
      () => noteRefusal(this.#parts, refusal, this.address),
    ]);
  }

  #refuse(text: Buffer): void {
    const delayMs = this.#wire.isOver ? 0 : refusalDelayMs(this.#parts);
    const say = (): void => this.end('refused', text);
    if (delayMs === 0) {
      say();
      return;
    }
    const timer = this.#parts.clock.after(delayMs, () => this.guarded(say));
    this.#leave({ kind: 'refusing', timer, wid: this.#wid() }, 'refusing');
  }

  /** The one way out. Idempotent. `detail`: a library's word for the reason. */
  end(reason: ClientEndReason, farewell: Buffer | null, detail: string | null = null): void {
    const life = this.#life;
    if (life.kind === 'over') return;
    const asking = life.kind === 'logged_in' ? life.standing.asking : null;
    const client = {
      reason,
      detail,
      role: this.#whereabouts.role,
      address: this.address,
      wid: this.#wid(),
      commands: this.#traffic.commands,
      bytesIn: this.#wire.received,
      bytesOut: this.#wire.written + (farewell?.length ?? 0),
    };
    eachOf(this.#parts.wiring.onBug, [
      () => this.#leave({ kind: 'over' }, reason === 'refused' ? 'refused' : 'closing'),
      () => this.#part(farewell),
      () => asking?.decided(isHangUp(reason) ? 'hung_up' : 'lost'),
      () => noteEnd(this.#parts, client, this.#acceptedAt),
    ]);
  }

  #part(farewell: Buffer | null): void {
    if (this.#wire.isOver) this.#forget();
    else this.#wire.close(farewell, nextParting(this.#parts));
  }

  endIfLeft(): boolean {
    if (this.#presence.kind === 'here' || this.#traffic.hasWork) return false;
    this.end(this.#presence.how, null);
    return true;
  }

  expire(reason: 'reclaimed' | 'idle_timeout' | 'evicted' | 'disconnected'): void {
    this.guarded(() => this.end(reason, null));
  }

  /** Periodic: ends a client that does not finish what it has begun while others wait for it. */
  checkStall(now: number): void {
    const { writeStallTimeoutMs } = this.#parts.settings.current;
    if (writeStallTimeoutMs === 0) return;
    if (now - this.#traffic.lastReadAt <= writeStallTimeoutMs) return;
    if (this.#traffic.holdsUpOthers) this.guarded(() => this.end('read_stalled', null));
  }

  /** The bouncer stops: a client that waits is refused, one with nothing outstanding is closed. */
  drain(): void {
    this.guarded(() => {
      this.#stay = 'until_idle';
      const life = this.#life;
      const isWaiting = life.kind === 'logged_in' && life.standing.asking !== null;
      if (life.kind === 'logging_in' || isWaiting) {
        this.refuse(this.#parts.admission.stopping());
      } else if (life.kind === 'logged_in') {
        life.standing.lane?.releaseUnsentFetch();
        this.goOn();
      }
    });
  }

  /** The time for draining is over. */
  abandon(): void {
    this.#cut('drain_timeout');
  }

  giveUp(): void {
    this.#cut('replies_untaken');
  }

  enter(state: ClientState): void {
    this.moveTo({ role: this.#whereabouts.role, state });
  }

  /** The one door from list to list. */
  moveTo(to: Whereabouts): void {
    const from = this.#whereabouts;
    this.#whereabouts = to;
    this.#movedAt = this.#parts.wiring.turns.now();
    this.#parts.clients.move(this, from, to);
  }

  /** Calls from timers, other rooms and other clients end here: a defect is this client's. */
  guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** Takes up what can be, reads on as far as that allows, and ends a client that is done with. */
  goOn(): void {
    if (this.#life.kind === 'logged_in') this.#takeUp(this.#life.standing);
    const { kind } = this.#life;
    if (kind !== 'over' && kind !== 'refusing') this.#traffic.regulate(this.#taken());
  }

  /** Whether nothing can be gone on with: so after most replies. */
  get #isAtRest(): boolean {
    return this.#traffic.isAtRest && this.#presence.kind === 'here' && this.#stay === 'unlimited';
  }

  /** The one question to the door about an address; it counts towards the rate of that address. */
  #arrive(address: string): DoorDecision {
    this.#atDoor = this.#parts.door.arrive(address, this.#acceptedAt);
    return this.#atDoor;
  }

  #isWanted(address: string): boolean {
    return this.#arrive(address).kind === 'entered';
  }

  #notLetThrough({ refusal }: Approach, fault: StageFault, detail: string | null): void {
    if (fault === 'not_wanted') {
      this.#wordless = refusal;
      if (this.#atDoor !== null) this.#mayEnter(this.#atDoor);
    } else {
      this.end(fault, faultText(fault), detail);
    }
  }

  /** False if the client has been refused. */
  #mayEnter(decision: DoorDecision): boolean {
    if (decision.kind === 'refused') {
      this.refuse(decision.refusal);
      return false;
    }
    const { inSpiteOf } = decision;
    if (inSpiteOf !== null) this.#parts.counts.wouldHaveRefused.add(inSpiteOf.reason);
    return true;
  }

  #takeUp(standing: ClientStanding): void {
    if (standing.isUnplaced) {
      const verb = this.#traffic.nextVerb();
      if (verb === 'END') this.end('end_command', null);
      else if (verb !== null) standing.show(verb);
    } else if (!this.#traffic.takeUp()) {
      return;
    }
    const isWaiting = standing.asking !== null;
    if (this.#life.kind !== 'logged_in' || isWaiting || !this.#traffic.isIdle) return;
    if (this.#presence.kind !== 'here') this.end(this.#presence.how, null);
    else if (this.#stay === 'until_idle') this.end('drained', null);
  }

  #taken(): Taken {
    if (this.#life.kind === 'logging_in') return this.#life.login.isReading ? 'hello' : 'nothing';
    return this.#life.kind === 'logged_in' && this.#life.standing.asking === null
      ? 'commands'
      : 'nothing';
  }

  /** The client has left. Whatever commands it has sent whole are executed as Faktory would have. */
  #left(presence: Exclude<Presence, { kind: 'here' }>): void {
    this.#presence = presence;
    // It may still read why it is refused.
    if (this.#life.kind === 'refusing' && presence.kind === 'said_all') return;
    if (!this.#hasWork) {
      this.end(presence.how, null);
      return;
    }
    // What stands behind a FETCH waits for its end, as at Faktory: it could bring a job that is pushed there.
    if (this.#life.kind === 'logged_in') this.#life.standing.lane?.releaseUnsentFetch();
    this.goOn();
  }

  get #hasWork(): boolean {
    if (this.#life.kind === 'logging_in') return this.#traffic.lines.hasLine;
    return this.#life.kind === 'logged_in' && this.#traffic.hasWork;
  }

  /** As HELLO said; null without one. */
  #wid(): string | null {
    if (this.#life.kind === 'logged_in') return this.#life.standing.wid;
    return this.#life.kind === 'refusing' ? this.#life.wid : null;
  }

  /** Gives back everything that the connection holds outside itself. */
  #leave(life: Life, state: ClientState): void {
    const before = this.#life;
    this.#life = life;
    this.enter(state);
    if (before.kind === 'logging_in') before.login.letGo();
    else if (before.kind === 'logged_in') before.standing.letGo();
    else if (before.kind === 'refusing') before.timer.cancel();
    this.#traffic.close();
  }

  /** Whatever it was told and has not taken is dropped. */
  #cut(reason: ClientEndReason): void {
    this.guarded(() => {
      this.end(reason, null);
      this.#wire.destroy();
    });
  }

  #broke(error: unknown): void {
    this.#wire.broke(error);
    // A wire that is over says nothing more.
    this.end('bug', null);
  }

  #forget(): void {
    this.#parts.clients.move(this, this.#whereabouts, null);
  }
}
