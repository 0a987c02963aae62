// A client's request for a lane, and what it is to admission from then on. Promise: it is decided once,
// with one outcome that is counted; what it was given, it gives back. A client that turns out to be
// something else than it was taken for makes another.
//
//   waiting -> opening -> granted
//      |-> (undecided: its first command decides)

import type { Obstacle, Visitor } from '../admission/admission.ts';
import type { AdmissionOutcome } from '../admission/outcomes.ts';
import type { Place } from '../admission/places.ts';
import type { Role } from '../admission/roles.ts';
import { SharedCountError } from '../base/check.ts';
import type { Lane, LaneClient } from '../lanes/lane.ts';
import type { Refusal } from '../protocol/error-texts.ts';
import type { Deadline } from '../base/deadlines.ts';
import type { Hello } from '../protocol/hello.ts';
import type { ClientParts } from './client-parts.ts';

/** Who asks, as what, and until when. */
export interface Asked {
  readonly hello: Hello;
  readonly role: Role;
  /** Whether only its wid says that it is a worker. */
  readonly isUnproven: boolean;
  /** Since when, monotonic ms. */
  readonly at: number;
  readonly deadline: Deadline;
}

/** Who asks for the client. */
export interface RequestOwner {
  readonly address: string;
  /** What the lane talks to. */
  readonly laneClient: LaneClient;
  /** It is admitted, and its lane is being made. */
  entered(state: 'opening'): void;
  refuse(refusal: Refusal): void;
  guarded(act: () => void): void;
  /** The lane is ready. */
  granted(lane: Lane): void;
  /** Its first command decides what to ask for. */
  undecided(): void;
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
  readonly wid: string | null;
  readonly isUnproven: boolean;
  readonly #parts: ClientParts;
  readonly #owner: RequestOwner;
  readonly #asked: Asked;
  #role: Role;
  #place: Place | null = null;
  #state: State = { kind: 'waiting' };
  #isDecided = false;
  #waitedFor: Obstacle | null = null;

  constructor(parts: ClientParts, owner: RequestOwner, asked: Asked) {
    this.#parts = parts;
    this.#owner = owner;
    this.#asked = asked;
    this.#role = asked.role;
    this.isUnproven = asked.isUnproven;
    this.wid = asked.hello.wid === '' ? null : asked.hello.wid;
  }

  get role(): Role {
    return this.#role;
  }

  get address(): string {
    return this.#owner.address;
  }

  get waitedFor(): Obstacle | null {
    return this.#waitedFor;
  }

  needsPlace(role: Role): boolean {
    return this.#parts.lanes.needsPlace(role, this.wid);
  }

  ask(): void {
    const decision = this.#parts.admission.arrive(this, this.#asked.at);
    switch (decision.kind) {
      case 'admitted':
        this.admitted(decision.place);
        if (decision.inSpiteOf !== null) {
          this.#parts.counts.wouldHaveRefused.add(decision.inSpiteOf.reason);
        }
        return;
      case 'waiting':
        this.#waitedFor = decision.obstacle;
        this.#parts.idle.makeRoom();
        return;
      case 'undecided':
        this.undecided();
        return;
      case 'refused':
        this.#owner.refuse(decision.refusal);
    }
  }

  /** Admission lets the client in, maybe after a wait. */
  admitted(place: Place | null): void {
    this.#owner.guarded(() => {
      const making: State = { kind: 'making', isReady: false };
      this.#place = place;
      this.#state = making;
      this.#owner.entered('opening');
      const lane = this.#make(place);
      if (this.#state !== making) {
        lane.leave();
        return;
      }
      this.#state = { kind: 'opening', lane };
      if (making.isReady) this.laneReady();
    });
  }

  undecided(): void {
    this.#owner.guarded(() => this.#owner.undecided());
  }

  laneReady(): void {
    const state = this.#state;
    if (state.kind === 'making') state.isReady = true;
    if (state.kind !== 'opening') return;
    this.#state = { kind: 'granted', lane: state.lane };
    this.#asked.deadline.cancel();
    this.decided('admitted');
    this.#owner.granted(state.lane);
  }

  /** Of the server connection that the client has for itself; null for none. */
  get place(): Place | null {
    return this.#place;
  }

  /** The client turns out to be a worker: its place becomes a worker's, if workers may have one more. */
  riseInPlace(): boolean {
    if (this.#place === null || !this.#parts.admission.giveToWorker(this.#place)) return false;
    this.#role = 'worker';
    return true;
  }

  /** How it was decided; the first call counts. */
  decided(outcome: AdmissionOutcome): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    const { counts, wiring } = this.#parts;
    counts.admissions.add(outcome);
    counts.waits.observeMs(outcome, wiring.turns.now() - this.#asked.at);
  }

  /** Gives back what was asked for and given. */
  letGo(): void {
    const state = this.#state;
    this.#state = { kind: 'over' };
    this.#asked.deadline.cancel();
    if (state.kind === 'opening' || state.kind === 'granted') state.lane.leave();
    this.#parts.admission.leave(this);
  }

  /** Where a lane's making fails, nobody knows whether it has taken the place: a shared count is wrong. */
  #make(place: Place | null): Lane {
    try {
      return this.#parts.lanes.open(this.#owner.laneClient, this.#asked.hello, place);
    } catch (error) {
      throw new SharedCountError('a lane could not be made, and its place may be lost', error);
    }
  }
}
