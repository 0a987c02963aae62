// Clients that do not read what they have asked for, in front of the real Faktory: what they leave
// counts, stays within bounds, and harms nobody else for long.

import t from 'tap';
import { pushLine } from '../session/house.ts';
import { startBouncer } from '../support/bouncer.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { ok } from '../support/reply.ts';

const missing = requireFaktory(t) === undefined;

const MEBIBYTE = 1024 * 1024;
const LIMIT_BYTES = 8 * MEBIBYTE;
const CLIENTS = 3;
/** More than the kernel takes for a client that does not read. */
const JOB_BYTES = 6 * MEBIBYTE;
/** One read of each server connection that is made to wait. */
const READS_BYTES = CLIENTS * 2 * 64 * 1024;
const LOOK_EVERY_MS = 10;

for (const mode of ['session', 'pooled'] as const) {
  t.test(
    `jobs that clients do not read stay within limits.buffered_bytes (${mode})`,
    { skip: missing },
    async (t) => {
      const faktory = await RealFaktory.start();
      t.teardown(() => faktory.stop());
      const overrides = { mode, 'limits.buffered_bytes': '8MiB', max_command_bytes: '8MiB' };
      const bouncer = await startBouncer(t, { port: faktory.port, overrides });
      const producer = await bouncer.connect();
      for (let i = 0; i < CLIENTS; i += 1) {
        const { line } = pushLine({ queue: 'large', args: ['x'.repeat(JOB_BYTES)] });
        t.same(await producer.command(line), ok);
      }
      const clients = [];
      for (let i = 0; i < CLIENTS; i += 1) {
        const client = await bouncer.connect({ wid: `deaf-${i}` });
        clients.push(client);
        client.pause();
        // Past 2 s, a slow Faktory's job is a stray job, and the next FETCH takes it.
        client.send('FETCH large\r\n'.repeat(20));
      }
      const closed = 'client_connections_ended_total{reason="replies_untaken"}';
      let most = 0;
      const look = (): void => {
        most = Math.max(most, bouncer.snapshot().bufferedBytes);
      };
      // On a busy machine a PUSH may take longer than the memory is full.
      const looking = setInterval(look, LOOK_EVERY_MS);
      t.teardown(() => clearInterval(looking));
      do {
        t.same(await producer.command(pushLine().line), ok, 'others are served');
        look();
      } while (
        (await bouncer.metric(closed)) < 1 ||
        bouncer.snapshot().bufferedBytes > LIMIT_BYTES
      );
      t.ok(most > LIMIT_BYTES, `${most} bytes: what is not read counts`);
      t.ok(most < LIMIT_BYTES + JOB_BYTES + READS_BYTES, `${most} bytes at most`);
      const worker = await bouncer.connect({ wid: 'reads' });
      t.match(await worker.command('FETCH default'), { kind: 'bulk' }, 'and FETCH goes on');
      for (const client of [...clients, worker, producer]) client.reset();
      await bouncer.gaugesAreZero();
    },
  );
}
