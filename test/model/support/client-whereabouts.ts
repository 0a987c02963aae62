// In which state the bouncer has a client, told from outside. Promise: a state is named only where what
// passed on the wire, and how many clients are in each state before and after, leave one possible.

import { CLIENT_STATES, type ClientState } from '../../../src/client/client-states.ts';
import type { MemoryHouse } from '../../support/memory-house.ts';
import type { ModelClient } from '../../support/model-client.ts';

type Counts = Record<ClientState, number>;

/** The states that the client may be in, as far as its wire tells. */
export function possibleStates(client: ModelClient, house: MemoryHouse): readonly ClientState[] {
  const end = client.socket.peer;
  if (end === null || end.hasEnded) return ['closing', 'refused'];
  const [hi, ok] = end.firstWrites;
  if (ok === '+OK') return ['open', 'unplaced', 'waiting', 'opening', 'refusing'];
  if (hi !== '+HI') return ['accepted', 'refusing'];
  const { helloBytes, salt } = client;
  if (helloBytes === 0 || end.bytesRead < helloBytes) return ['handshake', 'refusing'];
  if (house.hasher.asked.some((text) => salt !== '' && text.endsWith(salt)))
    return ['authenticating'];
  return ['waiting', 'opening', 'refusing'];
}

/** The state that the client was in before `act`; null where it may have been one of several. */
export function stateBefore(
  client: ModelClient,
  house: MemoryHouse,
  act: () => void,
): ClientState | null {
  const possible = possibleStates(client, house);
  const before = house.clientStates();
  act();
  const after = house.clientStates();
  const inUse = possible.filter((state) => before[state] > 0);
  const left = leftStates(before, after);
  // Others may have moved on meanwhile, to where it was.
  const candidates = left.length === 0 ? inUse : inUse.filter((state) => left.includes(state));
  const [only] = candidates;
  return candidates.length === 1 && only !== undefined ? only : null;
}

function leftStates(before: Counts, after: Counts): readonly ClientState[] {
  return CLIENT_STATES.filter((state) => after[state] < before[state]);
}
