// A house with its places, and guests that remember how they came in.

import { Admission, type Decision, type Visitor } from '../../src/admission/admission.ts';
import { type ConfiguredLimits, Limits } from '../../src/admission/limits.ts';
import { type Place, Places } from '../../src/admission/places.ts';
import type { Role } from '../../src/admission/roles.ts';

/** A visitor that remembers how it came in. */
export class Guest implements Visitor {
  readonly role: Role;
  readonly worker: string | null;
  readonly address: string;
  needs = true;
  place: Place | null = null;
  cameInAfterWait = false;

  constructor(worker: string | null, address = 'a') {
    this.role = worker === null ? 'producer' : 'worker';
    this.worker = worker;
    this.address = address;
  }

  needsPlace(): boolean {
    return this.needs;
  }

  admitted(place: Place | null): void {
    this.place = place;
    this.cameInAfterWait = true;
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

export class House {
  readonly places: Places;
  readonly admission: Admission;

  constructor(configured: Partial<ConfiguredLimits>, isEnforced = true) {
    const limits = limitsOf(configured, isEnforced);
    this.places = new Places(limits);
    this.admission = new Admission(limits, this.places);
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
