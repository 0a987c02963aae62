// A client's request for a lane, and what it is to admission from then on. Promise: it is decided once,
// with one outcome that is counted; what it was given, it gives back.
//
//   waiting -> opening -> granted

import type { Visitor } from '../admission/admission.ts';
import type { AdmissionOutcome } from '../admission/outcomes.ts';
import type { Place } from '../admission/places.ts';
import type { Role } from '../admission/roles.ts';
import { SharedCountError } from '../base/check.ts';
import type { Lane, LaneClient } from '../lanes/lane.ts';
import type { Refusal } from '../protocol/error-texts.ts';
import type { Login } from './client-login.ts';
import type { ClientParts } from './client-parts.ts';
import type { ClientState } from './client-states.ts';

/** The connection that asks. */
export interface RequestOwner extends LaneClient {
  readonly address: string;
  enter(state: ClientState): void;
  refuse(refusal: Refusal): void;
  guarded(act: () => void): void;
  /** The lane is ready. */
  granted(lane: Lane): void;
}

type State =
  /** In admission's hands, in the waiting line or for a moment. */
  | { readonly kind: 'waiting' }
  /** Admitted; the lane is being made, and may be ready before it has been handed over. */
  | { readonly kind: 'making'; isReady: boolean }
  /** Admitted; the lane is not ready. */
  | { readonly kind: 'opening'; readonly lane: Lane }
  | { readonly kind: 'granted'; readonly lane: Lane }
  | { readonly kind: 'over' };

export class ClientRequest implements Visitor {
  readonly role: Role;
  readonly wid: string | null;
  readonly #parts: ClientParts;
  readonly #owner: RequestOwner;
  readonly #login: Login;
  #state: State = { kind: 'waiting' };
  #isDecided = false;

  constructor(parts: ClientParts, owner: RequestOwner, login: Login) {
    const { wid } = login.hello;
    this.#parts = parts;
    this.#owner = owner;
    this.#login = login;
    this.wid = wid === '' ? null : wid;
    this.role = this.wid === null ? 'producer' : 'worker';
  }

  get address(): string {
    return this.#owner.address;
  }

  needsPlace(): boolean {
    return this.#parts.lanes.needsPlace(this.wid);
  }

  ask(): void {
    const decision = this.#parts.admission.arrive(this, this.#login.at);
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
        this.#owner.refuse(decision.refusal);
    }
  }

  /** Admission lets the client in, maybe after a wait. */
  admitted(place: Place | null): void {
    this.#owner.guarded(() => {
      const making: State = { kind: 'making', isReady: false };
      this.#state = making;
      this.#owner.enter('opening');
      const lane = this.#make(place);
      if (this.#state !== making) {
        lane.leave();
        return;
      }
      this.#state = { kind: 'opening', lane };
      if (making.isReady) this.laneReady();
    });
  }

  laneReady(): void {
    const state = this.#state;
    if (state.kind === 'making') state.isReady = true;
    if (state.kind !== 'opening') return;
    this.#state = { kind: 'granted', lane: state.lane };
    this.#login.deadline.cancel();
    this.decided('admitted');
    this.#owner.granted(state.lane);
  }

  /** How it was decided; the first call counts. */
  decided(outcome: AdmissionOutcome): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    const { counts, wiring } = this.#parts;
    counts.admissions.add(outcome);
    counts.waits.observeMs(outcome, wiring.turns.now() - this.#login.at);
  }

  /** Gives back what was asked for and given. */
  letGo(): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    this.#login.deadline.cancel();
    if (state.kind === 'opening' || state.kind === 'granted') state.lane.leave();
    this.#parts.admission.leave(this);
  }

  /** Where a lane's making fails, nobody knows whether it has taken the place: a shared count is wrong. */
  #make(place: Place | null): Lane {
    try {
      return this.#parts.lanes.open(this.#owner, this.#login.hello, place);
    } catch (error) {
      throw new SharedCountError('a lane could not be made, and its place may be lost', error);
    }
  }
}
