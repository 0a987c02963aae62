// Who may connect at all. Promise: decided by address, and by the worker that HELLO names, before anything
// is spent on the client; pure over now, in tables of bounded size.

import type { AddressList } from '../base/address-list.ts';
import type { Live } from '../base/live.ts';
import type { Refusal } from '../protocol/error-texts.ts';
import type { DoorDecision } from './admission.ts';
import { RateTable } from './rate-table.ts';

/** Keys whose rate is remembered, of each kind. */
const KEYS_MAX = 10_000;

export interface DoorSettings {
  /** Empty: all. */
  readonly allow: AddressList;
  /** Before `allow`. */
  readonly deny: AddressList;
  /** `log`: a connection over its rate is let in, and counted. */
  readonly connectionRate: 'off' | 'log' | 'block';
  /** New connections per second; 0: any number. */
  readonly workerConnections: number;
  readonly addressConnections: number;
}

const ENTERED: DoorDecision = { kind: 'entered', inSpiteOf: null };

const DENIED: DoorDecision = { kind: 'refused', refusal: { reason: 'address_denied' } };

export class Door {
  readonly #settings: Live<DoorSettings>;
  readonly #byWorker = new RateTable(KEYS_MAX);
  readonly #byAddress = new RateTable(KEYS_MAX);

  constructor(settings: Live<DoorSettings>) {
    this.#settings = settings;
  }

  /** Decides about a connection that comes from `address` at `now` (monotonic ms). */
  arrive(address: string, now: number): DoorDecision {
    const { connectionRate, addressConnections: limit, allow, deny } = this.#settings.current;
    if (deny.has(address) || !(allow.isEmpty || allow.has(address))) return DENIED;
    if (connectionRate === 'off' || this.#byAddress.take(address, now, limit)) return ENTERED;
    return this.#tooMany({ reason: 'connection_rate', of: 'address', limit });
  }

  /** Decides about a connection that says at `now` (monotonic ms) that it is of worker `wid`; empty: of none. */
  introduce(wid: string, now: number): DoorDecision {
    const { connectionRate, workerConnections: limit } = this.#settings.current;
    const isFree = connectionRate === 'off' || wid === '';
    if (isFree || this.#byWorker.take(wid, now, limit)) return ENTERED;
    return this.#tooMany({ reason: 'connection_rate', of: 'worker', limit });
  }

  #tooMany(refusal: Refusal): DoorDecision {
    const isEnforced = this.#settings.current.connectionRate === 'block';
    return isEnforced ? { kind: 'refused', refusal } : { kind: 'entered', inSpiteOf: refusal };
  }
}
