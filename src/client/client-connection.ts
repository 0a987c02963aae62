// Hot path. A client connection's life, from accept to close. Promise: whatever ends the connection,
// everything that it held is let go of in one place, once; what the client does not read or sends
// too much of costs only itself.
//
//   accepted -> handshake -> authenticating -> waiting -> opening -> open -> closing -> (ended)
//      |___________|____________|______________|__________|-> refusing -> closing

import type { Socket } from 'node:net';
import type { Visitor } from '../admission/admission.ts';
import type { Place } from '../admission/places.ts';
import type { Deadline } from '../base/deadlines.ts';
import type { Lane, LaneClient, LaneLoss } from '../lanes/lane.ts';
import type { AdmissionOutcome } from '../admission/outcomes.ts';
import type { Role } from '../admission/roles.ts';
import type { ClientEndReason } from './client-states.ts';
import type { ClientState } from './client-states.ts';
import type { Command } from '../protocol/command.ts';
import { INVALID_PASSWORD, type Refusal, refusalText } from '../protocol/error-texts.ts';
import { type Hello, parseHello } from '../protocol/hello.ts';
import { type Challenge, hiLine } from '../protocol/hi.ts';
import { LineBuffer } from '../protocol/line-buffer.ts';
import { OK } from '../protocol/replies.ts';
import type { BudgetMember } from './buffer-budget.ts';
import type { GateVisitor } from './handshake-gate.ts';
import type { KnownRole } from './client-connections.ts';
import type { ClientParts } from './client-parts.ts';
import { CommandPump, type PumpClient } from './command-pump.ts';

/** What a client may send ahead of the replies before its socket is not read for a while. */
const READ_AHEAD_BYTES = 64 * 1024;
/** Longest HELLO; Faktory has no limit, but nothing before the login may grow memory. */
const HELLO_BYTES_MAX = 64 * 1024;
/** Refused clients that are held for refusal_delay or their close; more are answered and closed at once. */
const HELD_REFUSALS_MAX = 1000;

export class ClientConnection
  implements Visitor, LaneClient, PumpClient, BudgetMember, GateVisitor
{
  readonly address: string;
  readonly #parts: ClientParts;
  readonly #socket: Socket;
  readonly #lines = new LineBuffer();
  readonly #commands: CommandPump;
  readonly #acceptedAt: number;
  #state: ClientState = 'accepted';
  #role: KnownRole = 'unknown';
  #hello: Hello | null = null;
  #helloAt = 0;
  #challenge: Challenge | null = null;
  #deadline: Deadline | null = null;
  #lane: Lane | null = null;
  #inputEnded = false;
  #outputIsBlocked = false;
  #ended = false;
  #lastReadAt = 0;

  constructor(parts: ClientParts, socket: Socket) {
    this.#parts = parts;
    this.#socket = socket;
    this.#commands = new CommandPump(parts, this, this.#lines);
    this.address = socket.remoteAddress ?? '';
    this.#acceptedAt = parts.clock.now();
  }

  get role(): Role {
    return this.#role === 'worker' ? 'worker' : 'producer';
  }

  get wid(): string | null {
    return this.#hello === null || this.#hello.wid === '' ? null : this.#hello.wid;
  }

  get worker(): string | null {
    return this.wid;
  }

  get takesReplies(): boolean {
    return !this.#ended && !this.#outputIsBlocked;
  }

  get inputEnded(): boolean {
    return this.#inputEnded;
  }

  /** Greets the client, or refuses it where not even a handshake is to be spent. */
  start(): void {
    const { counts, clients, admission } = this.#parts;
    counts.accepted.total += 1;
    clients.move(this, null, this.#whereabouts());
    this.#listen();
    const decision = admission.enter(clients.admittable - 1);
    if (decision.kind === 'refused') {
      this.#refuse(decision.refusal, 'refused');
      return;
    }
    if (decision.inSpiteOf !== null) counts.wouldHaveRefused.add(decision.inSpiteOf.reason);
    this.#deadline = this.#parts.handshakeDeadlines.add(this);
    this.#parts.gate.arrive(this);
  }

  /** Says HI; the time for HELLO begins. */
  greet(): void {
    this.#setState('handshake');
    this.#deadline?.cancel();
    this.#deadline = this.#parts.handshakeDeadlines.add(this);
    this.#challenge = this.#parts.passwordCheck.challenge();
    this.tell(this.#challenge === null ? HI_LINE : Buffer.from(hiLine(this.#challenge)));
    // What came before the greeting has waited.
    this.#readHello();
  }

  get state(): ClientState {
    return this.#state;
  }

  /** The handshake took too long: Faktory too closes without a word. One not greeted yet hears why. */
  onHandshakeDeadline(): void {
    const { gate, admission } = this.#parts;
    if (this.#state === 'accepted') this.#refuse(admission.notGreeted(gate.inside), 'refused');
    else this.end('handshake_timeout', null);
  }

  /** The time from HELLO to +OK is over. */
  onOpeningDeadline(): void {
    const { admission, health } = this.#parts;
    this.#refuse(admission.outOfTime(this, health), 'timed_out');
  }

  needsPlace(): boolean {
    return this.#parts.lanes.needsPlace(this.worker);
  }

  /** Admission lets the client in, maybe after a wait. */
  admitted(place: Place | null): void {
    const hello = this.#hello;
    if (hello === null) return;
    this.#setState('opening');
    this.#lane = this.#parts.lanes.open(this, hello, place);
    this.#commands.open(this.#lane);
    // A lane may be ready before open() returns.
    if (this.#state === 'open') this.#takeUp();
  }

  onLaneReady(): void {
    if (this.#ended) return;
    this.#deadline?.cancel();
    const { counts, clock } = this.#parts;
    counts.admissions.add('admitted');
    counts.waits.observeMs('admitted', clock.now() - this.#helloAt);
    this.#setState('open');
    this.tell(OK);
    this.#takeUp();
  }

  onReply(command: Command, piece: Buffer, last: boolean): void {
    if (this.#ended) return;
    this.tell(piece);
    if (!last) return;
    this.#commands.answered(command);
    this.#takeUp();
  }

  tell(bytes: Buffer): void {
    this.#parts.counts.bytes.add('sent', bytes.length);
    if (this.#socket.write(bytes) || this.#outputIsBlocked) return;
    this.#outputIsBlocked = true;
    this.#socket.setTimeout(this.#parts.settings.current.writeStallTimeoutMs);
    this.#lane?.pauseReplies();
  }

  /** The one way out. Idempotent. */
  end(reason: ClientEndReason, farewell: Buffer | null): void {
    if (this.#ended) return;
    this.#ended = true;
    const { counts, clock, clients, settings, lingering, events } = this.#parts;
    if (this.#state === 'waiting' || this.#state === 'opening') {
      const outcome = isHangUp(reason) ? 'hung_up' : 'lost';
      counts.admissions.add(outcome);
      counts.waits.observeMs(outcome, clock.now() - this.#helloAt);
    }
    counts.ends.add(reason);
    events.clientEnded(reason, this.#role, (clock.now() - this.#acceptedAt) / 1000);
    const socket = this.#socket;
    if (farewell !== null && !socket.destroyed) {
      counts.bytes.add('sent', farewell.length);
      socket.write(farewell);
    }
    this.#letGo();
    if (this.#state !== 'refusing') this.#setState('closing');
    // What the client still sends is read and dropped: unread bytes would turn the close into a
    // reset, and the farewell would be lost on its way.
    socket.resume();
    if (socket.writableLength > 0) socket.setTimeout(settings.current.writeStallTimeoutMs);
    socket.end(() => {
      if (clients.count('refusing') > HELD_REFUSALS_MAX) socket.destroy();
      else if (!socket.destroyed) lingering.add(socket);
    });
  }

  onLaneLost(loss: LaneLoss): void {
    this.end(loss, null);
  }

  resumeReading(): void {
    if (!this.#ended && !this.#readAheadIsFull()) this.#socket.resume();
  }

  /** Periodic: ends a client that does not finish what it has begun while others wait for it. */
  checkStall(now: number): void {
    const { writeStallTimeoutMs } = this.#parts.settings.current;
    if (writeStallTimeoutMs === 0 || now - this.#lastReadAt <= writeStallTimeoutMs) return;
    if (this.#parts.budget.holdsUpOthers(this)) this.end('read_stalled', null);
  }

  /** The bouncer stops: a client that waits is refused, one with nothing outstanding is closed. */
  drain(): void {
    switch (this.#state) {
      case 'accepted':
      case 'handshake':
      case 'authenticating':
      case 'waiting':
      case 'opening':
        this.#refuse(this.#parts.admission.stopping(), 'refused');
        return;
      case 'open':
        this.#lane?.releaseUnsentFetch();
        if (this.#commands.isIdle) this.end('drained', null);
        return;
      case 'refusing':
      case 'closing':
        return;
    }
  }

  /** The time for draining is over. */
  abandon(): void {
    this.end('drain_timeout', null);
    this.#socket.destroy();
  }

  #listen(): void {
    const socket = this.#socket;
    const { keepaliveMs } = this.#parts.settings.current;
    if (keepaliveMs > 0) socket.setKeepAlive(true, keepaliveMs);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#onDrain());
    // Set only while writes are held back: the client takes nothing of what is written.
    socket.on('timeout', () => {
      this.end('write_stalled', null);
      socket.destroy();
    });
    socket.once('end', () => this.#onEnd());
    socket.once('error', () => this.end('client_reset', null));
    socket.once('close', () => {
      this.end('client_reset', null);
      this.#parts.lingering.remove(socket);
      this.#parts.clients.move(this, this.#whereabouts(), null);
    });
  }

  #read(chunk: Buffer): void {
    const { counts, budget, clock } = this.#parts;
    counts.bytes.add('received', chunk.length);
    if (this.#ended || this.#state === 'refusing') return;
    this.#lines.push(chunk);
    this.#lastReadAt = clock.now();
    if (this.#state === 'open') this.#takeUp();
    else if (this.#state === 'handshake') this.#readHello();
    if (this.#ended) return;
    if (this.#readAheadIsFull()) this.#socket.pause();
    if (!budget.hold(this, this.#commands.heldBytes)) this.#socket.pause();
  }

  #readHello(): void {
    const line = this.#lines.next();
    if (line === null) {
      if (this.#lines.length > HELLO_BYTES_MAX) this.end('bad_hello', null);
      return;
    }
    const hello = parseHello(line);
    if (hello === null) {
      this.end('bad_hello', null);
      return;
    }
    this.#hello = hello;
    this.#helloAt = this.#parts.clock.now();
    this.#deadline?.cancel();
    this.#deadline = this.#parts.openingDeadlines.add(this);
    if (this.#challenge === null) this.#arrive();
    else void this.#authenticate(hello, this.#challenge);
  }

  async #authenticate(hello: Hello, challenge: Challenge): Promise<void> {
    this.#setState('authenticating');
    const isRight = await this.#parts.passwordCheck.answers(hello, challenge);
    if (this.#ended || this.#state !== 'authenticating') return;
    if (isRight) this.#arrive();
    else this.end('invalid_password', INVALID_PASSWORD);
  }

  #arrive(): void {
    this.#setState('waiting', this.worker === null ? 'producer' : 'worker');
    this.#parts.gate.leave(this);
    if (this.#ended) return;
    const decision = this.#parts.admission.arrive(this, this.#helloAt);
    switch (decision.kind) {
      case 'admitted':
        if (decision.inSpiteOf !== null) {
          this.#parts.counts.wouldHaveRefused.add(decision.inSpiteOf.reason);
        }
        this.admitted(decision.place);
        return;
      case 'waiting':
        return;
      case 'refused':
        this.#refuse(decision.refusal, 'refused');
    }
  }

  /** Takes up what has been read, as far as its replies allow. */
  #takeUp(): void {
    if (!this.#commands.run(this.#lastReadAt) || this.#ended) return;
    if (this.#commands.isIdle && !this.#outputIsBlocked) {
      if (this.#inputEnded) this.end('client_closed', null);
      else if (this.#parts.isDraining()) this.end('drained', null);
    }
    if (this.#ended) return;
    // Also with nothing to resume: others may be waiting for what has just been taken up.
    if (!this.#parts.budget.hold(this, this.#commands.heldBytes)) this.#socket.pause();
    else if (this.#socket.isPaused() && !this.#readAheadIsFull()) this.#socket.resume();
  }

  /** The client has said all it had to say. One in FETCH, or not yet in, is gone; else it may read on. */
  #onEnd(): void {
    this.#inputEnded = true;
    if (this.#state !== 'open' || this.#commands.fetchIsOutstanding) {
      this.end('client_closed', null);
      return;
    }
    this.#takeUp();
  }

  #onDrain(): void {
    if (!this.#outputIsBlocked) return;
    this.#outputIsBlocked = false;
    this.#socket.setTimeout(0);
    this.#lane?.resumeReplies();
    if (this.#state === 'open' && !this.#ended) this.#takeUp();
  }

  /** Whether more has been sent ahead than is taken up before replies have gone out. */
  #readAheadIsFull(): boolean {
    if (this.#lines.length <= READ_AHEAD_BYTES) return false;
    if (this.#state !== 'open') return this.#state !== 'handshake';
    return this.#commands.partialIsTooLong || this.#outputIsBlocked || this.#commands.isFull;
  }

  /** Takes the client out of everything, and tells it why, after refusal_delay if that is set. */
  #refuse(refusal: Refusal, outcome: AdmissionOutcome): void {
    if (this.#ended || this.#state === 'refusing') return;
    const { counts, clock, settings, clients, events } = this.#parts;
    const { refusalDelayMs } = settings.current;
    const text = refusalText(refusal);
    counts.refusals.add(refusal.reason);
    counts.admissions.add(outcome);
    if (this.#hello !== null) counts.waits.observeMs(outcome, clock.now() - this.#helloAt);
    events.refused(refusal.reason, text.toString('latin1').trimEnd());
    this.#letGo();
    this.#setState('refusing');
    const isHeld = refusalDelayMs > 0 && clients.count('refusing') <= HELD_REFUSALS_MAX;
    if (!isHeld) {
      this.end('refused', text);
      return;
    }
    const timer = clock.after(refusalDelayMs, () => this.end('refused', text));
    this.#deadline = { cancel: () => timer.cancel() };
  }

  /** Gives back everything that the connection holds outside itself. */
  #letGo(): void {
    this.#deadline?.cancel();
    this.#deadline = null;
    const lane = this.#lane;
    this.#lane = null;
    lane?.leave();
    this.#parts.gate.leave(this);
    this.#parts.admission.leave(this);
    this.#parts.budget.leave(this);
    this.#lines.clear();
    this.#commands.close();
  }

  #whereabouts(): { readonly role: KnownRole; readonly state: ClientState } {
    return { role: this.#role, state: this.#state };
  }

  #setState(state: ClientState, role: KnownRole = this.#role): void {
    const from = this.#whereabouts();
    this.#state = state;
    this.#role = role;
    this.#parts.clients.move(this, from, this.#whereabouts());
  }
}

const HI_LINE = Buffer.from(hiLine(null));

/** Whether the client itself left. */
function isHangUp(reason: ClientEndReason): boolean {
  return reason === 'client_closed' || reason === 'client_reset';
}
