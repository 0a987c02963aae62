// Lets a house in memory run until it is at rest.

import { setImmediate } from 'node:timers/promises';
import type { PooledHouse } from './pooled-house.ts';

const STEP_MS = 250;

/** Everything on its way arrives and is answered, again and again, while `ms` pass. */
export async function settle(
  { network, faktory, clock }: PooledHouse,
  ms: number,
  afterStep: () => void = () => {},
): Promise<void> {
  for (let passed = 0; passed <= ms; passed += STEP_MS) {
    for (let quietTurns = 0; quietTurns < 3;) {
      const ends = network.deliverable;
      const { busy } = faktory;
      for (const end of ends) end.deliver(Infinity);
      for (const connection of busy) faktory.step(connection);
      await setImmediate();
      quietTurns = ends.length + busy.length === 0 ? quietTurns + 1 : 0;
    }
    afterStep();
    if (passed < ms) clock.advance(STEP_MS);
  }
}
