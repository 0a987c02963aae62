// A house with its places, and guests that remember how they came in.

import {
  Admission,
  type Decision,
  type Obstacle,
  type Visitor,
} from '../../src/admission/admission.ts';
import { type ConfiguredLimits, Limits } from '../../src/admission/limits.ts';
import { type Place, Places } from '../../src/admission/places.ts';
import type { Role } from '../../src/admission/roles.ts';

/** A visitor that remembers how it came in. */
export class Guest implements Visitor {
  readonly role: Role;
  readonly wid: string | null;
  readonly address: string;
  needs = true;
  isUnproven = false;
  waitedFor: Obstacle | null = null;
  place: Place | null = null;
  cameInAfterWait = false;
  /** How often admission has looked at it. */
  looks = 0;
  readonly #onAdmitted: () => void;

  constructor(worker: string | null, address = 'a', onAdmitted: () => void = () => {}) {
    this.#onAdmitted = onAdmitted;
    this.role = worker === null ? 'producer' : 'worker';
    this.wid = worker;
    this.address = address;
  }

  needsPlace(_role: Role): boolean {
    this.looks += 1;
    return this.needs;
  }

  admitted(place: Place | null): void {
    this.place = place;
    this.cameInAfterWait = true;
    this.#onAdmitted();
  }

  isUndecided = false;

  undecided(): void {
    this.isUndecided = true;
  }
}

/** Limits that hold nobody back but for what is `configured`. */
export function limitsOf(configured: Partial<ConfiguredLimits>, isEnforced = true): Limits {
  const all = {
    clients: 1000,
    handshakes: 1000,
    serverConnections: 100,
    producerReserve: 0,
    fetchesInFlight: 100,
    commandsInFlight: 100,
    perWorker: 0,
    perAddress: 0,
    waitingLine: 10,
    ...configured,
  };
  return new Limits(all, isEnforced);
}

/** A defect fails the test that meets it. */
export function noBug(error: unknown): never {
  throw error;
}

export class House {
  readonly limits: Limits;
  readonly places: Places;
  readonly admission: Admission;

  constructor(
    configured: Partial<ConfiguredLimits>,
    isEnforced = true,
    onBug: (error: unknown) => void = noBug,
  ) {
    const limits = limitsOf(configured, isEnforced);
    this.limits = limits;
    this.places = new Places(limits);
    this.admission = new Admission(limits, this.places, onBug);
  }

  arrive(guest: Guest, now = 0): Decision {
    const decision = this.admission.arrive(guest, now);
    if (decision.kind === 'admitted') guest.place = decision.place;
    return decision;
  }

  /** The client leaves and Faktory closes its server connection. */
  leave(guest: Guest): void {
    this.admission.leave(guest);
    guest.place?.release();
  }
}
