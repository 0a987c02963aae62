// A client's way from accept to a HELLO that is believed. Promise: it is greeted when the gate lets it,
// sends what it has to send, HELLO at last, in time or is closed, and has its hash checked off the event
// loop; admission is not decided here.
//
//   accepted -> (staged) -> handshake -> authenticating -> (over)
//                               |               |-> rejected ___^    the answer of an address that is slowed
//                               |_____________________________^    without a password

import type { AdmissionOutcome } from '../admission/outcomes.ts';
import type { Timer } from '../base/clock.ts';
import type { Deadline } from '../base/deadlines.ts';
import type { FairSeat } from '../base/fair-line.ts';
import type { WireStage } from '../base/wire-socket.ts';
import { INVALID_PASSWORD, type Refusal } from '../protocol/error-texts.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Challenge } from '../protocol/hi.ts';
import type { LineBuffer } from '../protocol/line-buffer.ts';
import { ClientHandshake } from './client-handshake.ts';
import type { ClientParts, Expiring } from './client-parts.ts';
import type { ClientEndReason, ClientState } from './client-states.ts';
import type { GateVisitor } from './handshake-gate.ts';
import type { PasswordVerdict } from './password-check.ts';

/** How long a wrong password from an address that is slowed waits for its answer. */
export const SLOWED_ANSWER_MS = 300;

/** A HELLO that has come. */
export interface Login {
  readonly hello: Hello;
  /** When; monotonic ms. */
  readonly at: number;
  /** The end of the time from HELLO to +OK. */
  readonly deadline: Deadline;
}

/** The connection that is being logged in. */
export interface LoginOwner extends Expiring {
  readonly address: string;
  enter(state: ClientState): void;
  tell(bytes: Buffer): void;
  refuse(refusal: Refusal): void;
  end(reason: ClientEndReason, farewell: Buffer | null): void;
  /** Calls `act`; a defect in it ends the connection. */
  guarded(act: () => void): void;
  loggedIn(login: Login): void;
}

/** A stage that has its socket. */
interface BoundStage {
  begin(): void;
  expire(): void;
}

type State =
  /** Waits for its turn at the gate, and then for HI, or for its stage to begin. */
  | { readonly kind: 'accepted'; readonly deadline: Deadline; readonly stage: BoundStage | null }
  /** Inside the gate; its stage reads. */
  | { readonly kind: 'staged'; readonly deadline: Deadline; readonly stage: BoundStage }
  /** Has HI; HELLO is due. */
  | { readonly kind: 'handshake'; readonly deadline: Deadline }
  /** HELLO has come; its hash is being checked. */
  | { readonly kind: 'authenticating'; readonly login: Login; readonly check: FairSeat }
  /** Its hash is wrong, and its address is slowed; the answer waits. */
  | { readonly kind: 'rejected'; readonly login: Login; readonly timer: Timer }
  | { readonly kind: 'over' };

export class ClientLogin implements GateVisitor {
  readonly #parts: ClientParts;
  readonly #owner: LoginOwner;
  readonly #handshake: ClientHandshake;
  #state: State;

  constructor(parts: ClientParts, owner: LoginOwner, lines: LineBuffer) {
    this.#parts = parts;
    this.#owner = owner;
    this.#handshake = new ClientHandshake(lines);
    const deadline = parts.handshakeDeadlines.add(owner);
    this.#state = { kind: 'accepted', deadline, stage: null };
  }

  get address(): string {
    return this.#owner.address;
  }

  /** Whether bytes are taken up as they come. */
  get isReading(): boolean {
    return this.#state.kind === 'handshake';
  }

  /** `stage`, beginning when the gate lets the client in: what it costs is bounded by the gate. */
  behind(stage: WireStage): WireStage {
    const expire = (): void => stage.expire();
    return {
      begin: (socket, done) => {
        if (this.#state.kind !== 'accepted') return;
        const begin = (): void => stage.begin(socket, done);
        this.#state = { ...this.#state, stage: { begin, expire } };
        this.#parts.gate.arrive(this);
      },
      expire,
    };
  }

  /** The wire can be written to: HI is next, when the gate lets the client in or has done so. */
  ready(): void {
    if (this.#state.kind === 'staged') this.#sayHi(this.#state.deadline);
    else this.#parts.gate.arrive(this);
  }

  /** The gate lets it in; the time for all up to HELLO begins. */
  greet(): void {
    this.#owner.guarded(() => {
      if (this.#state.kind !== 'accepted') return;
      const { stage } = this.#state;
      this.#state.deadline.cancel();
      const deadline = this.#parts.handshakeDeadlines.add(this.#owner);
      this.#owner.enter('handshake');
      if (stage === null) {
        this.#sayHi(deadline);
        return;
      }
      this.#state = { kind: 'staged', deadline, stage };
      stage.begin();
    });
  }

  /** Bytes have come. */
  read(): void {
    if (this.#state.kind !== 'handshake') return;
    const step = this.#handshake.next();
    switch (step.kind) {
      case 'more':
        return;
      case 'bad_hello':
        this.#owner.end(step.reason, null);
        return;
      case 'hello': {
        this.#state.deadline.cancel();
        const at = this.#parts.wiring.turns.now();
        const deadline = this.#parts.openingDeadlines.add(this.#owner, at);
        const login = { hello: step.hello, at, deadline };
        if (step.challenge === null) this.#succeed(login);
        else this.#authenticate(login, step.challenge);
      }
    }
  }

  /** Faktory too closes without a word. One that was not let in in time hears why, if it can. */
  expired(): void {
    const { gate, admission } = this.#parts;
    switch (this.#state.kind) {
      case 'accepted':
        this.#owner.refuse(admission.notGreeted(gate.inside));
        return;
      case 'staged':
        this.#state.stage.expire();
        return;
      case 'handshake':
      case 'authenticating':
      case 'rejected':
      case 'over':
        this.#owner.end('handshake_timeout', null);
    }
  }

  /** How it is decided, where that is before a request. */
  decided(outcome: AdmissionOutcome): void {
    const { counts, wiring } = this.#parts;
    counts.admissions.add(outcome);
    if (this.#state.kind !== 'authenticating' && this.#state.kind !== 'rejected') return;
    counts.waits.observeMs(outcome, wiring.turns.now() - this.#state.login.at);
  }

  /** Gives back what the login holds; it does nothing any more. */
  letGo(): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    if (state.kind === 'authenticating' || state.kind === 'rejected') {
      state.login.deadline.cancel();
    } else if (state.kind !== 'over') {
      state.deadline.cancel();
    }
    if (state.kind === 'authenticating') state.check.leave();
    else if (state.kind === 'rejected') state.timer.cancel();
    this.#parts.gate.leave(this);
  }

  #sayHi(deadline: Deadline): void {
    this.#state = { kind: 'handshake', deadline };
    this.#owner.tell(this.#handshake.greet(this.#parts.passwordCheck.challenge()));
    this.read();
  }

  #authenticate(login: Login, challenge: Challenge): void {
    const { address } = this.#owner;
    this.#owner.enter('authenticating');
    const check = this.#parts.passwordCheck.ask({
      address,
      hello: login.hello,
      challenge,
      judged: (verdict) => this.#owner.guarded(() => this.#judge(verdict)),
      failed: (error) =>
        this.#owner.guarded(() => {
          throw error;
        }),
    });
    this.#state = { kind: 'authenticating', login, check };
  }

  #judge(verdict: PasswordVerdict): void {
    if (this.#state.kind !== 'authenticating') return;
    const { login } = this.#state;
    const { counts, clock, failedLogins } = this.#parts;
    if (verdict === 'previous') counts.previousPasswords.total += 1;
    if (verdict !== 'wrong') {
      this.#succeed(login);
      return;
    }
    const now = clock.now();
    const isSlowed = failedLogins.isSlowed(this.address, now);
    failedLogins.failed(this.address, now);
    const reject = (): void => this.#owner.end('invalid_password', INVALID_PASSWORD);
    if (!isSlowed) {
      reject();
      return;
    }
    const timer = clock.after(SLOWED_ANSWER_MS, () => this.#owner.guarded(reject));
    this.#state = { kind: 'rejected', login, timer };
  }

  #succeed(login: Login): void {
    this.#state = { kind: 'over' };
    this.#owner.loggedIn(login);
    this.#parts.gate.leave(this);
  }
}
