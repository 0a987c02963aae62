// Bouncers that share a limit, in simulations of the real code: SIMULATIONS seeds from SIMULATION_SEED on. What
// may befall them is in support/sim-house.ts. `npm run sharing` plays 100,000.

import t from 'tap';
import { SimHouse } from './support/sim-house.ts';

const seeds = Number(process.env['SIMULATIONS'] ?? 1000);
const first = Number(process.env['SIMULATION_SEED'] ?? 1);
/** Each has found something once. */
const KNOWN = [65377, 206510, 227509, 237326, 503274];
/** Where many are played, most say nothing. */
const quiet = seeds > 10_000 ? 1000 : 100;

t.test('the sum never passes the limit, and no place stays lost', async (t) => {
  const others = Array.from({ length: seeds }, (_, i) => first + i);
  for (const seed of [...KNOWN, ...others]) {
    const house = new SimHouse(seed);
    try {
      const { final, limit } = house.play();
      if (final !== limit) throw new Error(`${final} of ${limit} connections at the end`);
    } catch (error) {
      t.fail(`seed ${seed}: ${error instanceof Error ? error.message : ''}`, {
        terms: house.terms,
        story: house.story,
      });
      return;
    }
    if (seed % quiet === 0) t.pass(`up to seed ${seed}`);
  }
  t.ok(seeds > 0);
});
