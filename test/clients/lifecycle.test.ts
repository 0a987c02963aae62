// Programs written with clients of several languages live through a restart of Faktory, a quiet and a
// terminate, through both modes. `npm test` runs those that are installed in seconds; `npm run clients`
// runs all, and directly too.

import t from 'tap';
import { requireFaktory } from '../support/real-faktory.ts';
import { type Front, FRONTS, runLifecycle } from './support/lifecycle.ts';
import { CLIENT_PROGRAMS } from './support/programs.ts';

const runsAll = process.env['CLIENTS'] === 'all';
/** FETCHes that a restart may cut between Faktory's BRPOP and its reservation: one for each connection. */
const CUT_MAX = 5;

const noFaktory = requireFaktory(t) === undefined;
const fronts: readonly Front[] = runsAll ? FRONTS : ['session', 'pooled'];

/** They mostly wait: for Faktory's restart, and for the next BEAT. */
t.jobs = 6;

/** A part of the names of those that run: CLIENT=Rust. */
const wanted = process.env['CLIENT'] ?? '';

for (const program of CLIENT_PROGRAMS.filter(({ name }) => name.includes(wanted))) {
  const missing = !runsAll && !program.isQuick ? 'only with npm run clients' : program.missing();
  const skip = noFaktory || (missing ?? false);
  for (const front of fronts) {
    const title = `${program.name}, ${front}: each acknowledged job is done once, or held`;
    t.test(title, { skip, buffered: true }, async (t) => {
      const { balance, restarts, done, unknown } = await runLifecycle(t, program, front);
      t.comment(
        `${done} done, ${balance.held.length} held, ${balance.lost.length} lost, ` +
          `${restarts} restarts of the worker, unknown: ${unknown.join('; ') || 'none'}`,
      );
      t.ok(balance.lost.length <= CUT_MAX, `lost in the restart: ${balance.lost.join()}`);
      t.same(balance.twice, []);
      t.same(balance.strange, []);
      t.ok(balance.held.length <= CUT_MAX, `held by Faktory: ${balance.held.join()}`);
    });
  }
}
