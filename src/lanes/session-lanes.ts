// Opens session lanes. Promise: one server connection for each client, in the client's own name.

import type { Place } from '../admission/places.ts';
import type { Hello } from '../protocol/hello.ts';
import type { Dialler } from '../server/dialler.ts';
import type { Lane, LaneClient } from './lane.ts';
import { SessionLane, type SessionLaneParts } from './session-lane.ts';

export class SessionLanes {
  readonly #parts: SessionLaneParts;
  readonly #dialler: Dialler;

  constructor(parts: SessionLaneParts, dialler: Dialler) {
    this.#parts = parts;
    this.#dialler = dialler;
  }

  get serverIsUp(): boolean {
    return this.#dialler.isUp;
  }

  get serverRefusedUs(): boolean {
    return this.#dialler.lastFailure === 'handshake_failed';
  }

  /** Every client does. */
  needsPlace(): boolean {
    return true;
  }

  open(client: LaneClient, hello: Hello, place: Place | null): Lane {
    return new SessionLane(this.#parts, client, hello, place ?? NO_PLACE);
  }
}

const NO_PLACE = { release: () => {} };
