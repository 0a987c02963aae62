// A server connection's life, from its place to Faktory's close. Promise: the place is held until Faktory
// has closed; a connection that is lost, or that Faktory has begun to close, carries nothing more; each
// has one end, with one reason.
//
//   queued -> dialling -> open -> closing -> ended      queued -> ended: closed before its dial
//      ^_________|         |-> orphaned -> closing      open -> ended: the wire is lost

import { check } from '../base/check.ts';
import { eachOf } from '../base/each-of.ts';
import type { Wire } from '../base/wire.ts';
import type { WireEnd, WireOwner } from '../base/wire-owner.ts';
import { type Command, END_LINE } from '../protocol/command.ts';
import type { Hello } from '../protocol/hello.ts';
import { MEANING } from '../protocol/verbs.ts';
import { DialAttempt, type DialListener, type DialOutcome } from './dial-attempt.ts';
import { DialPermits, type DialTicket } from './dial-permits.ts';
import type { Dialable, DialTurn } from './dialler.ts';
import { type Head, Pipeline, type PipelineOwner } from './pipeline.ts';
import { ReplyMemory } from './reply-memory.ts';
import type { ServerFacts } from './server-facts.ts';
import type { ServerParts } from './server-parts.ts';
import type {
  DialFailure,
  DialReason,
  LaneName,
  ServerEndReason,
  ServerState,
} from './server-states.ts';

/** The right to this connection; released when Faktory has closed it. */
export interface HeldPlace {
  release(): void;
}

/** Who a server connection works for. */
export interface ServerOwner {
  /** A dial failed; the connection keeps its place and dials again in its turn. */
  onDialFailed?(connection: ServerConnection, failure: DialFailure): void;
  onOpen(connection: ServerConnection): void;
  /** A reply has come to its end: one command fewer is outstanding. */
  onAnswered(connection: ServerConnection): void;
  /** The connection is over and its place is free; commands were reported lost before. */
  onEnd(connection: ServerConnection, reason: ServerEndReason): void;
}

export interface ServerOptions {
  readonly lane: LaneName;
  /** In whose name to say HELLO. */
  readonly hello: Hello;
  readonly place: HeldPlace;
  readonly owner: ServerOwner;
  /** Why it is dialled. */
  readonly dialReason: DialReason;
  /**
   * Whether commands of many clients go over it: what is sent in one turn of the event loop is
   * gathered into one write, and commands that meet Faktory's shutdown are given back as unsent.
   */
  readonly isShared: boolean;
}

interface Talking {
  readonly wire: Wire;
  readonly pipeline: Pipeline;
  readonly memory: ReplyMemory;
}

type State =
  /** Has its place; waits for its turn to dial. Without a turn: it is being asked for. */
  | { readonly name: 'queued'; readonly turn: DialTurn | null; readonly reason: DialReason }
  /** TCP, then the handshake. */
  | { readonly name: 'dialling'; readonly attempt: DialAttempt }
  /** Faktory said +OK; commands may be sent. */
  | ({ readonly name: 'open' } & Talking)
  /** Its client is gone; the FETCH's answer is waited for. */
  | ({ readonly name: 'orphaned' } & Talking)
  /** Says nothing more; what was outstanding has been reported lost. Waits for Faktory's close. */
  | {
      readonly name: 'closing';
      readonly reason: ServerEndReason;
      readonly socket: { destroy(): void };
      /** What Faktory was at when it began to close; null if it owed no answer. */
      readonly owed: Head | null;
      /** What its own client sends before it hears of the end. */
      readonly pipeline: Pipeline | null;
    }
  /** The place is free. */
  | { readonly name: 'ended' };

export class ServerConnection implements Dialable, DialListener, PipelineOwner, WireOwner {
  readonly lane: LaneName;
  readonly #parts: ServerParts;
  readonly #options: ServerOptions;
  #state: State;
  #heardAt = 0;
  /** Of the dial that made the connection, while it exists. */
  #ticket: DialTicket = DialPermits.free;
  /** See ServerLease. */
  #trust = 0;

  constructor(parts: ServerParts, options: ServerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.lane = options.lane;
    this.#state = { name: 'queued', turn: null, reason: options.dialReason };
  }

  get state(): ServerState {
    const state = this.#state;
    switch (state.name) {
      case 'queued':
      case 'open':
      case 'orphaned':
      case 'closing':
        return state.name;
      case 'dialling':
        return state.attempt.isConnected ? 'handshake' : 'dialling';
      case 'ended':
        return 'closing';
    }
  }

  /** Commands sent and not yet answered to the end. */
  get outstanding(): number {
    return this.#pipeline?.length ?? 0;
  }

  /** What Faktory is at; null if it owes no answer. */
  get head(): Head | null {
    return this.#pipeline?.head ?? null;
  }

  /** Commands sent and not yet answered to the end, oldest first. */
  commands(): Iterable<Command> {
    return this.#pipeline?.commands() ?? [];
  }

  /** For how long, at least, Faktory worked on the command that was answered last; milliseconds. */
  get workedAtLeastMs(): number {
    return this.#pipeline?.workTime.atLeastMs ?? 0;
  }

  /** For how long Faktory may have worked, at `now` (monotonic ms), on the oldest outstanding command. */
  unansweredMs(now: number): number {
    const { head } = this;
    return head === null ? 0 : now - head.since;
  }

  /** When Faktory was last heard from, monotonic ms; 0 before the connection is open. */
  get heardAt(): number {
    return this.#heardAt;
  }

  /** Whether it is open, and nothing is outstanding. */
  get isIdle(): boolean {
    return this.#state.name === 'open' && this.#state.pipeline.length === 0;
  }

  /** Whether Faktory has owed an answer that is due within seconds since `since` (monotonic ms) or before. */
  isSilent(since: number): boolean {
    const head = this.#owed;
    return head !== null && MEANING[head.verb].isBounded && head.since <= since;
  }

  /** Whether Faktory has owed any answer since `since` (monotonic ms) or before. */
  owesSince(since: number): boolean {
    const head = this.#owed;
    return head !== null && head.since <= since;
  }

  /** Bytes sent that the network has not taken yet, and bytes of replies still being put together. */
  get bufferedBytes(): number {
    return this.#pipeline?.bufferedBytes ?? 0;
  }

  /** Whether part of a reply has arrived and its end has not. */
  get isReplyArriving(): boolean {
    return this.#pipeline?.isInsideReply ?? false;
  }

  describe(): ServerFacts {
    return {
      lane: this.lane,
      state: this.state,
      wid: this.#options.hello.wid,
      outstanding: this.outstanding,
      head: this.head,
      bufferedBytes: this.bufferedBytes,
    };
  }

  /** Asks for a dial; once. */
  open(): void {
    this.#askForDial(this.#options.dialReason);
  }

  dial(): void {
    const state = this.#state;
    check(state.name === 'queued', `a server connection that is ${state.name} was told to dial`);
    // Whoever has asked for it may be in the middle of something: a defect is a failed dial.
    try {
      this.#beginDial(state.reason);
    } catch (error) {
      this.#dialBroke(error);
    }
  }

  /** Sends `command`, whose sink hears the reply. Only in state open. */
  send(command: Command): void {
    const state = this.#state;
    if (state.name === 'open') {
      state.pipeline.send(command);
      return;
    }
    // The one client of a connection of its own may not have heard of the end yet.
    const pipeline = state.name === 'closing' && !this.#options.isShared ? state.pipeline : null;
    check(pipeline !== null, `a command was sent over a server connection that is ${state.name}`);
    pipeline.keep(command);
  }

  /** The client is gone and a FETCH is not answered yet: stay until it is. */
  orphan(): void {
    const state = this.#state;
    if (state.name === 'open') this.#enter({ ...state, name: 'orphaned' });
  }

  /** Ends the connection: says nothing more, reads and drops what comes, until Faktory closes. */
  close(reason: ServerEndReason): void {
    const state = this.#state;
    switch (state.name) {
      case 'queued':
        state.turn?.leave();
        this.#end(reason);
        return;
      case 'dialling':
        this.#enter({
          name: 'closing',
          reason,
          socket: state.attempt,
          owed: null,
          pipeline: null,
        });
        state.attempt.callOff();
        return;
      case 'open':
      case 'orphaned':
        this.#sayEnd(state.wire, state.pipeline, reason);
        return;
      case 'closing':
      case 'ended':
        return;
    }
  }

  /** Ends the connection at once; its place is free when the system has closed it. */
  destroy(reason: ServerEndReason): void {
    this.close(reason);
    if (this.#state.name === 'closing') this.#state.socket.destroy();
  }

  pauseReading(): void {
    this.#wire?.pause('replies');
  }

  resumeReading(): void {
    this.#wire?.resume('replies');
  }

  dialEnded(outcome: DialOutcome): void {
    const { dialler, health } = this.#parts;
    switch (outcome.kind) {
      case 'open':
        this.#opened(outcome.wire);
        health.dialSucceeded();
        dialler.succeeded(this);
        this.#options.owner.onOpen(this);
        return;
      case 'failed':
        this.#dialFailed(outcome.failure);
        return;
      case 'not_permitted':
        this.#dialWhenPermitted();
        return;
      case 'called_off':
        dialler.abandoned(this);
        this.#lost('stopped');
    }
  }

  onReady(): void {}

  onDrain(): void {}

  onData(chunk: Buffer, now: number): void {
    const talking = this.#talking;
    if (talking === null) return;
    const { pipeline, memory } = talking;
    this.#heardAt = now;
    pipeline.read(chunk, now);
    memory.holds(pipeline.heldReplyBytes);
  }

  /**
   * Commands of others must go elsewhere at once: the close comes only after this turn of the event
   * loop. A client that has the connection to itself has nowhere else to go.
   */
  onEnd(): void {
    if (this.#options.isShared) this.#leave('server_closed', (wire) => wire.close(null, 'fin'));
  }

  onClose(end: WireEnd): void {
    this.#lost(REASON_OF[end.kind]);
  }

  onAnswered(): void {
    if (!this.#isOwn) this.#trust = this.#parts.permits.answered(this.#trust);
    this.#options.owner.onAnswered(this);
  }

  onShutdown(): void {
    this.#leave('server_shutdown', (wire) => wire.close(null, 'await_fin'));
  }

  onNonsense(): void {
    if (this.#wire === null) return;
    this.#parts.counts.unexpectedReplies.total += 1;
    // Or a server that answers everything with nonsense would be dialled without a pause.
    this.#parts.dialler.hold();
    this.#leave('protocol_error', (wire) => wire.destroy());
  }

  /** What Faktory is at, or was at when this connection began to close. */
  get #owed(): Head | null {
    return this.#state.name === 'closing' ? this.#state.owed : this.head;
  }

  /** Whether it is the bouncer's own. */
  get #isOwn(): boolean {
    return this.lane === 'probe';
  }

  get #talking(): Talking | null {
    const state = this.#state;
    return state.name === 'open' || state.name === 'orphaned' ? state : null;
  }

  get #wire(): Wire | null {
    return this.#talking?.wire ?? null;
  }

  get #pipeline(): Pipeline | null {
    return this.#talking?.pipeline ?? null;
  }

  #askForDial(reason: DialReason): void {
    const asking: State = { name: 'queued', turn: null, reason };
    this.#enter(asking);
    const turn = this.#parts.dialler.request(this, reason);
    // It may have had its turn by now.
    if (this.#state === asking) this.#enter({ name: 'queued', turn, reason });
  }

  #opened(wire: Wire): void {
    const { isShared } = this.#options;
    const { wiring, budget } = this.#parts;
    const pipeline = new Pipeline(wire, wiring, isShared ? 'shared' : 'own', this);
    const memory = new ReplyMemory(wire, budget.replies);
    wire.handOver(this);
    this.#heardAt = this.#parts.clock.now();
    this.#enter({ name: 'open', wire, pipeline, memory });
    if (this.#isOwn) this.#parts.permits.ownOpened();
    else this.#trust = this.#parts.permits.opened();
  }

  #beginDial(reason: DialReason): void {
    const { counts, events, permits } = this.#parts;
    if (!this.#isOwn) this.#ticket = permits.take();
    const attempt = new DialAttempt(this.#parts, this.#options.hello, this.#ticket, this);
    this.#enter({ name: 'dialling', attempt });
    events.dialStarted(this.lane, reason);
    counts.dialReasons.add(reason);
  }

  #dialBroke(error: unknown): void {
    if (this.#state.name === 'dialling') {
      this.#state.attempt.broke(error);
      return;
    }
    this.#parts.wiring.onBug(error);
    this.#dialFailed({ reason: 'bug', errno: null });
  }

  /** The connection keeps its place and asks for another turn. */
  #dialFailed(failure: DialFailure): void {
    const { counts, dialler, events, health, wiring } = this.#parts;
    const ticket = this.#ticket;
    this.#ticket = DialPermits.free;
    eachOf(wiring.onBug, [
      () => ticket.release(true),
      () => events.dialFailed(failure),
      () => health.dialFailed(failure),
      () => dialler.failed(this),
      () => this.#options.owner.onDialFailed?.(this, failure),
      () => this.#askForDial(this.#options.dialReason === 'control' ? 'control' : 'redial'),
      () => counts.ends.add(failure.reason),
    ]);
  }

  /** The same without a word: nothing has failed, and it waits for room in the shared limit. */
  #dialWhenPermitted(): void {
    const { dialler } = this.#parts;
    this.#ticket.release(true);
    this.#ticket = DialPermits.free;
    dialler.abandoned(this);
    this.#askForDial('redial');
  }

  /** Says END, so that Faktory is the first to close, once it has worked off what was sent. */
  #sayEnd(wire: Wire, pipeline: Pipeline, reason: ServerEndReason): void {
    pipeline.flush();
    // Faktory reads nothing while it works on a command, and counts the connection until it does:
    // only where it has nothing to do is a close that does not come given up.
    const parting = pipeline.length === 0 ? 'await_fin' : 'await_fin_patiently';
    this.#leave(reason, () => wire.close(END_LINE, parting));
  }

  /** Nothing is sent any more, and nobody hears what comes; `part` takes leave of the peer. */
  #leave(reason: ServerEndReason, part: (wire: Wire) => void): void {
    const state = this.#state;
    if (state.name !== 'open' && state.name !== 'orphaned') return;
    const { wire, pipeline } = state;
    part(wire);
    state.memory.close();
    this.#enter({ name: 'closing', reason, socket: wire, owed: pipeline.head, pipeline });
    pipeline.reportLost();
  }

  /** The wire is over; `reason` where nothing had ended the connection before. */
  #lost(reason: ServerEndReason): void {
    if (this.#state.name === 'ended') return;
    this.#end(this.#state.name === 'closing' ? this.#state.reason : reason);
  }

  #end(reason: ServerEndReason): void {
    const pipeline = this.#state.name === 'closing' ? this.#state.pipeline : this.#pipeline;
    const memory = this.#talking?.memory;
    const { counts, forget, wiring } = this.#parts;
    this.#enter({ name: 'ended' });
    forget(this);
    eachOf(wiring.onBug, [
      () => memory?.close(),
      () => pipeline?.reportLost(),
      () => this.#ticket.release(false),
      () => this.#options.place.release(),
      () => this.#options.owner.onEnd(this, reason),
      () => counts.ends.add(reason),
    ]);
  }

  #enter(state: State): void {
    const wasTalking = this.#talking !== null;
    this.#state = state;
    if (!wasTalking || this.#talking !== null) return;
    if (this.#isOwn) this.#parts.permits.ownLost();
    else this.#parts.permits.closed(this.#trust);
  }
}

const REASON_OF: Readonly<Record<WireEnd['kind'], ServerEndReason>> = {
  closed: 'server_closed',
  failed: 'server_reset',
  stalled: 'write_stalled',
  bug: 'bug',
};
