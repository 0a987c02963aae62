// Hot path. A client connection's life, from accept to close. Promise: it is in exactly one state, and
// what a state holds is let go of in one place; whatever ends it, it ends once and for one reason; a
// defect met on the client's behalf ends this client only.
//
//   accepted -> handshake -> authenticating -> waiting -> opening -> open -> closing -> (ended)
//      |___________|____________|______________|__________|-> refusing -> refused -> (ended)

import type { AdmissionOutcome } from '../admission/outcomes.ts';
import type { Timer } from '../base/clock.ts';
import { Wire, type WireEnd, type WireOwner, type WireSocket } from '../base/wire.ts';
import type { Lane, LaneClient, LaneLoss } from '../lanes/lane.ts';
import type { Command } from '../protocol/command.ts';
import type { Refusal } from '../protocol/error-texts.ts';
import { LineBuffer } from '../protocol/line-buffer.ts';
import { OK } from '../protocol/replies.ts';
import type { ListedClient, Whereabouts } from './client-connections.ts';
import {
  endReasonOf,
  isHangUp,
  nextParting,
  noteEnd,
  noteRefusal,
  refusalDelayMs,
} from './client-farewell.ts';
import { ClientLogin, type Login, type LoginOwner } from './client-login.ts';
import type { ClientParts } from './client-parts.ts';
import { ClientPeer } from './client-peer.ts';
import { ClientRequest, type RequestOwner } from './client-request.ts';
import type { ClientEndReason, ClientState } from './client-states.ts';
import { CommandPump, type PumpClient } from './command-pump.ts';

/**
 * What a client may send ahead of the replies before its socket is not read for a while. Of a client
 * that closes without reading its replies nothing is lost up to here, be it executed or not: more than
 * Linux takes for a connection that nobody reads (128 KiB at first).
 */
const READ_AHEAD_BYTES = 256 * 1024;

/** Each member owns what it needs; a client's place in the lists says more than these. */
type Life =
  /** In state accepted, handshake or authenticating. */
  | { readonly kind: 'logging_in'; readonly login: ClientLogin }
  /** In state waiting or opening. */
  | { readonly kind: 'asking'; readonly request: ClientRequest }
  /** Has read +OK; commands flow. */
  | { readonly kind: 'open'; readonly request: ClientRequest; readonly lane: Lane }
  /** Holds nothing any more; its text waits for refusal_delay. */
  | { readonly kind: 'refusing'; readonly timer: Timer }
  /** In state refused or closing: what was to be said has been written, and the wire is parting. */
  | { readonly kind: 'over' };

/** How much of the client is there. */
type Presence =
  | { readonly kind: 'here' }
  /** It has sent FIN, and may read on; or it is gone. What it has sent whole is executed all the same. */
  | { readonly kind: 'said_all' | 'gone'; readonly how: 'client_closed' | 'client_reset' };

export class ClientConnection
  implements WireOwner, LaneClient, LoginOwner, RequestOwner, PumpClient, ListedClient
{
  readonly #parts: ClientParts;
  readonly #wire: Wire;
  readonly #peer: ClientPeer;
  readonly #lines = new LineBuffer();
  readonly #commands: CommandPump;
  readonly #acceptedAt: number;
  #life: Life;
  #whereabouts: Whereabouts = { role: 'unknown', state: 'accepted' };
  #presence: Presence = { kind: 'here' };
  #lastReadAt: number;

  constructor(parts: ClientParts, socket: WireSocket) {
    this.#parts = parts;
    this.#wire = new Wire(parts.wiring, parts.counts.bytes, socket, this);
    this.#peer = new ClientPeer(this.#wire, parts.budget);
    this.#commands = new CommandPump(parts, this, this.#lines);
    this.#life = { kind: 'logging_in', login: new ClientLogin(parts, this, this.#lines) };
    this.#acceptedAt = parts.clock.now();
    this.#lastReadAt = this.#acceptedAt;
  }

  get address(): string {
    return this.#wire.remoteAddress;
  }

  get worker(): string | null {
    const life = this.#life;
    return life.kind === 'asking' || life.kind === 'open' ? life.request.wid : null;
  }

  get takesReplies(): boolean {
    return this.#peer.takesReplies;
  }

  get hasLeft(): boolean {
    return this.#presence.kind !== 'here';
  }

  /** It exists from now on. */
  start(): void {
    const { counts, clients, settings } = this.#parts;
    counts.accepted.total += 1;
    clients.move(this, null, this.#whereabouts);
    this.#wire.keepAlive(settings.current.keepaliveMs);
    this.#wire.open();
  }

  /** Waits for its greeting, or is refused where not even a handshake is to be spent. */
  onReady(): void {
    const { counts, clients, admission } = this.#parts;
    const decision = admission.enter(clients.admittable - 1);
    if (decision.kind === 'refused') {
      this.refuse(decision.refusal);
      return;
    }
    if (decision.inSpiteOf !== null) counts.wouldHaveRefused.add(decision.inSpiteOf.reason);
    if (this.#life.kind === 'logging_in') this.#life.login.begin();
  }

  onData(chunk: Buffer, now: number): void {
    if (this.#life.kind === 'refusing') return;
    this.#lines.push(chunk);
    this.#lastReadAt = now;
    if (this.#life.kind === 'open') this.#takeUp();
    else if (this.#life.kind === 'logging_in') this.#life.login.read();
    this.#regulate();
  }

  onDrain(): void {
    if (this.#peer.drained()) this.#goOn();
  }

  onEnd(): void {
    this.#left({ kind: 'said_all', how: 'client_closed' });
  }

  onClose(end: WireEnd): void {
    const reason = endReasonOf(end);
    if (this.#peer.drained()) this.#goOn();
    if (this.#life.kind === 'over') this.#forget();
    else if (reason === 'client_reset') this.#left({ kind: 'gone', how: reason });
    else this.end(reason, null);
  }

  onHandshakeDeadline(): void {
    this.guarded(() => {
      if (this.#life.kind === 'logging_in') this.#life.login.expired();
    });
  }

  /** The time from HELLO to +OK is over. */
  onOpeningDeadline(): void {
    this.guarded(() => {
      const { admission, health } = this.#parts;
      const visitor = this.#life.kind === 'asking' ? this.#life.request : null;
      this.refuse(admission.outOfTime(visitor, health), 'timed_out');
    });
  }

  loggedIn(login: Login): void {
    const request = new ClientRequest(this.#parts, this, login);
    this.#life = { kind: 'asking', request };
    this.#moveTo({ role: request.role, state: 'waiting' });
    // One that left has its HELLO taken up for the commands behind it.
    if (this.#presence.kind !== 'here' && !this.#commands.hasWork)
      this.end(this.#presence.how, null);
    else request.ask();
  }

  granted(lane: Lane): void {
    if (this.#life.kind !== 'asking') return;
    this.#life = { kind: 'open', request: this.#life.request, lane };
    this.enter('open');
    this.#commands.open(lane);
    this.tell(OK);
    this.#takeUp();
    this.#regulate();
  }

  onLaneReady(): void {
    this.guarded(() => {
      if (this.#life.kind === 'asking') this.#life.request.laneReady();
    });
  }

  onReply(command: Command, piece: Buffer, last: boolean): void {
    if (this.#life.kind !== 'open') return;
    try {
      this.tell(piece);
      if (!last) return;
      this.#commands.answered(command);
      this.#takeUp();
      this.#regulate();
    } catch (error) {
      this.#broke(error);
    }
  }

  onLaneLost(loss: LaneLoss): void {
    this.guarded(() => this.end(loss, null));
  }

  tell(bytes: Buffer): void {
    if (!this.#peer.tell(bytes) && this.#life.kind === 'open') this.#life.lane.pauseReplies();
  }

  /** Takes the client out of everything, and tells it why, after refusal_delay if that is set. */
  refuse(refusal: Refusal, outcome: AdmissionOutcome = 'refused'): void {
    const life = this.#life;
    if (life.kind === 'refusing' || life.kind === 'over') return;
    if (life.kind === 'logging_in') life.login.decided(outcome);
    else life.request.decided(outcome);
    const text = noteRefusal(this.#parts, refusal);
    const delayMs = this.#wire.isOver ? 0 : refusalDelayMs(this.#parts);
    const say = (): void => this.end('refused', text);
    if (delayMs === 0) {
      say();
      return;
    }
    const timer = this.#parts.clock.after(delayMs, () => this.guarded(say));
    this.#leave({ kind: 'refusing', timer }, 'refusing');
  }

  /** The one way out. Idempotent. */
  end(reason: ClientEndReason, farewell: Buffer | null): void {
    const life = this.#life;
    if (life.kind === 'over') return;
    if (life.kind === 'asking') life.request.decided(isHangUp(reason) ? 'hung_up' : 'lost');
    noteEnd(this.#parts, reason, this.#whereabouts.role, this.#acceptedAt);
    this.#leave({ kind: 'over' }, reason === 'refused' ? 'refused' : 'closing');
    if (this.#wire.isOver) this.#forget();
    else this.#wire.close(farewell, nextParting(this.#parts));
  }

  /** Periodic: ends a client that does not finish what it has begun while others wait for it. */
  checkStall(now: number): void {
    const { writeStallTimeoutMs } = this.#parts.settings.current;
    if (writeStallTimeoutMs === 0 || now - this.#lastReadAt <= writeStallTimeoutMs) return;
    if (this.#peer.holdsUpOthers) this.guarded(() => this.end('read_stalled', null));
  }

  /** The bouncer stops: a client that waits is refused, one with nothing outstanding is closed. */
  drain(): void {
    this.guarded(() => {
      switch (this.#life.kind) {
        case 'logging_in':
        case 'asking':
          this.refuse(this.#parts.admission.stopping());
          return;
        case 'open':
          this.#life.lane.releaseUnsentFetch();
          if (this.#commands.isIdle) this.end('drained', null);
          return;
        case 'refusing':
        case 'over':
      }
    });
  }

  /** The time for draining is over. */
  abandon(): void {
    this.guarded(() => {
      this.end('drain_timeout', null);
      this.#wire.destroy();
    });
  }

  enter(state: ClientState): void {
    this.#moveTo({ role: this.#whereabouts.role, state });
  }

  /** Calls from timers, other rooms and other clients end here: a defect is this client's. */
  guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#broke(error);
    }
  }

  /** The client has left. Whatever commands it has sent whole are executed as Faktory would have. */
  #left(presence: Exclude<Presence, { kind: 'here' }>): void {
    this.#presence = presence;
    if (!this.#hasWork(presence.kind)) this.end(presence.how, null);
    else if (this.#life.kind === 'open') this.#takeUp();
  }

  #hasWork(presence: Presence['kind']): boolean {
    switch (this.#life.kind) {
      case 'logging_in':
        return this.#lines.hasLine;
      case 'asking':
        return this.#commands.hasWork;
      case 'open':
        // While Faktory is away it would not have executed them either.
        return this.#commands.hasWork && (presence === 'said_all' || this.#parts.health.isUp);
      case 'refusing':
      case 'over':
        return false;
    }
  }

  #broke(error: unknown): void {
    this.#wire.broke(error);
    // A wire that is over says nothing more.
    this.end('bug', null);
  }

  #forget(): void {
    this.#parts.clients.move(this, this.#whereabouts, null);
  }

  #goOn(): void {
    if (this.#life.kind !== 'open') return;
    this.#life.lane.resumeReplies();
    this.#takeUp();
  }

  /** Takes up what has been read, as far as its replies allow. */
  #takeUp(): void {
    if (!this.#commands.run(this.#lastReadAt) || this.#life.kind !== 'open') return;
    if (!this.#commands.isIdle || !this.#peer.takesReplies) return;
    if (this.#presence.kind !== 'here') this.end(this.#presence.how, null);
    else if (this.#parts.isDraining()) this.end('drained', null);
  }

  /** Also with nothing to resume: others may be waiting for what has just been taken up. */
  #regulate(): void {
    if (this.#life.kind === 'over' || this.#life.kind === 'refusing') return;
    this.#peer.regulate(this.#isAhead(), this.#commands.heldBytes);
  }

  /** Whether more has been sent ahead than is taken up before replies have gone out. */
  #isAhead(): boolean {
    if (this.#lines.length <= READ_AHEAD_BYTES) return false;
    if (this.#life.kind === 'logging_in') return !this.#life.login.isReading;
    if (this.#life.kind !== 'open') return true;
    return this.#commands.partialIsTooLong || !this.#peer.takesReplies || this.#commands.isFull;
  }

  /** Gives back everything that the connection holds outside itself. */
  #leave(life: Life, state: ClientState): void {
    const before = this.#life;
    this.#life = life;
    this.enter(state);
    switch (before.kind) {
      case 'logging_in':
        before.login.letGo();
        break;
      case 'asking':
      case 'open':
        before.request.letGo();
        break;
      case 'refusing':
        before.timer.cancel();
        break;
      case 'over':
        break;
    }
    this.#peer.release();
    this.#lines.clear();
    this.#commands.close();
  }

  /** The one door from list to list. */
  #moveTo(to: Whereabouts): void {
    const from = this.#whereabouts;
    this.#whereabouts = to;
    this.#parts.clients.move(this, from, to);
  }
}
