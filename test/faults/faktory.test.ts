// Faktory is killed, terminated, stopped, and started again, under clients that do not pause.

import t from 'tap';
import { whileStopped } from '../../bench/harness/signals.ts';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { MODES, ordeal } from './support/ordeal.ts';

const skip = requireFaktory(t) === undefined;
t.jobs = 2;

/** Faktory may die between taking a job from its queue and reserving it: docs/modes.md. */
const BETWEEN_POP_AND_RESERVATION = 9;

for (const mode of MODES) {
  t.test(`Faktory is killed, and started again (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, {}, async ({ faktory, works }) => {
      for (let n = 0; n < 2; n += 1) {
        await faktory.kill();
        await faktory.startAgain();
        await works();
      }
      return { mayLose: (lost) => lost.length <= 2 * BETWEEN_POP_AND_RESERVATION };
    }),
  );

  t.test(`Faktory is terminated, and started again (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, {}, async ({ faktory }) => {
      await faktory.terminate();
      await faktory.startAgain();
    }),
  );

  t.test(`Faktory stands still for 3 s: it stays up (${mode})`, { skip, buffered: true }, (t) =>
    ordeal(t, mode, {}, async ({ faktory, bouncer }) => {
      await whileStopped(faktory.pid, async () => {
        await until(() => bouncer.snapshot().writes.state === 'suspect', {
          what: 'writes to be held',
          withinMs: 20_000,
        });
      });
      t.equal(bouncer.snapshot().faktory.up, true);
    }),
  );

  t.test(
    `Faktory hangs until it is found out: down, and up again (${mode})`,
    { skip, buffered: true },
    (t) =>
      ordeal(t, mode, { overrides: { 'server.info_interval': '1s' } }, async (house) => {
        const { faktory, bouncer } = house;
        await whileStopped(faktory.pid, async () => {
          await until(() => !bouncer.snapshot().faktory.up, {
            what: 'Faktory to be found down',
            withinMs: 60_000,
          });
          const ready = await fetch(`http://127.0.0.1:${bouncer.adminPort}/readyz`);
          t.equal(ready.status, 503);
          await ready.text();
        });
        await bouncer.isUp();
      }),
  );
}
