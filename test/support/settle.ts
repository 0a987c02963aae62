// Lets a house in memory run until it is at rest.

import type { MemoryHouse } from './memory-house.ts';

const STEP_MS = 250;
/** A socket's close, what is done about it, and what that writes take a turn each. */
const QUIET_TURNS = 3;

/** Everything on its way arrives and is answered, again and again, while `ms` pass. `afterStep`: whenever something happened. */
export async function settle(
  house: MemoryHouse,
  ms: number,
  afterStep: () => void = () => {},
): Promise<void> {
  let fired = 1;
  for (let passed = 0; passed <= ms; passed += STEP_MS) {
    // Nothing happens by itself: only to timers, and to what is on its way.
    if (fired > 0 || (await doAll(house)) > 0) {
      await rest(house);
      afterStep();
    }
    fired = passed < ms ? house.clock.advance(STEP_MS) : 0;
  }
}

async function rest(house: MemoryHouse): Promise<void> {
  for (let quietTurns = 0; quietTurns < QUIET_TURNS;) {
    const done = await doAll(house);
    await turn();
    quietTurns = done === 0 ? quietTurns + 1 : 0;
  }
}

/** How much there was to do. */
async function doAll(house: MemoryHouse): Promise<number> {
  const { network, faktory, hasher } = house;
  const ends = network.deliverable;
  const { busy } = faktory;
  const hashes = hasher.waiting;
  for (const end of ends) {
    house.deliver(end, Infinity);
    await afterCallback();
  }
  for (const connection of busy) faktory.step(connection);
  for (let i = 0; i < hashes; i += 1) hasher.tellNext();
  return ends.length + busy.length + hashes;
}

/** What Node does after each event: what was put off to the next tick, and promises. */
export function afterCallback(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
