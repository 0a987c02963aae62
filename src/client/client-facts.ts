// What there is to tell of one client connection. Promise: nothing here is kept for it; it is read
// from the live connection at the moment of the call.

import type { Role } from '../admission/roles.ts';
import type { Verb } from '../protocol/verbs.ts';
import type { ClientState } from './client-states.ts';

/** All instants are monotonic ms. */
export interface ClientFacts {
  /** Its number: the first client of a bouncer has 1. */
  readonly id: number;
  readonly address: string;
  /** `unknown` before HELLO. */
  readonly role: Role | 'unknown';
  readonly state: ClientState;
  /** Since when it is in `state`. */
  readonly stateSince: number;
  readonly acceptedAt: number;
  /** What its HELLO says; null before that is believed, and once the connection is closing. */
  readonly hello: {
    /** Empty for a client without one. */
    readonly wid: string;
    readonly hostname: string;
    readonly pid: bigint;
    readonly labels: readonly string[];
  } | null;
  /** Commands that were passed on so far. */
  readonly commands: number;
  readonly outstanding: OutstandingCommand | null;
  readonly bytesReceived: number;
  readonly bytesSent: number;
}

/** What a client waits for. */
export interface OutstandingCommand {
  /** Commands without a whole reply. */
  readonly count: number;
  /** The one that was passed on last. */
  readonly verb: Verb;
  /** When the oldest was read, or the reply before it came. */
  readonly since: number;
}

/** Which clients an operator means; a client has to match all that is said. */
export interface ClientChoice {
  readonly id?: number;
  readonly address?: string;
  /** The `wid` of its HELLO. */
  readonly wid?: string;
}

/** Whether a client is meant. A choice that says nothing means none. */
export function isChosen({ id, address, hello }: ClientFacts, choice: ClientChoice): boolean {
  if (choice.id === undefined && choice.address === undefined && choice.wid === undefined) {
    return false;
  }
  if (choice.id !== undefined && choice.id !== id) return false;
  if (choice.address !== undefined && choice.address !== address) return false;
  return choice.wid === undefined || (choice.wid !== '' && choice.wid === hello?.wid);
}
