// The machine of the bouncer: no file is left to open, memory is short, the clock jumps, and the process
// stands still or is killed.

import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { SystemClock } from '../../src/base/clock.ts';
import { Market } from './support/market.ts';
import { pushLine } from '../session/house.ts';
import type { Overrides } from '../support/bouncer.ts';
import { findProgram } from '../support/find-faktory.ts';
import { unreservedIn } from '../support/job-accounts.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { askRedis } from '../support/redis.ts';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { BouncerProcess } from './support/bouncer-process.ts';
import {
  marketWorks,
  type Mode,
  MODES,
  ordeal,
  PRODUCERS,
  settleAccounts,
} from './support/ordeal.ts';

const skip = requireFaktory(t) === undefined;
t.jobs = 2;

const DAY_MS = 86_400_000;
const CROWD = { producers: 4, workers: 6, idle: 5 };

interface Machine {
  readonly faktory: RealFaktory;
  readonly bouncer: BouncerProcess;
  readonly market: Market;
}

/** A market at a bouncer in a process of its own; afterwards the ledger must be balanced. */
async function onMachine(
  t: Test,
  mode: Mode,
  options: { readonly overrides?: Overrides; readonly nodeFlags?: readonly string[] },
  fault: (machine: Machine) => Promise<void>,
): Promise<void> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const bouncer = await BouncerProcess.start(t, {
    faktoryPort: faktory.port,
    overrides: { mode, ...options.overrides },
    nodeFlags: options.nodeFlags ?? [],
  });
  const market = new Market(bouncer.port, { patienceMs: 5000, echoes: true });
  market.open(CROWD);
  await marketWorks(market, 30);
  await fault({ faktory, bouncer, market });
  await marketWorks(market, 30);
  t.equal(await bouncer.metric('bugs_total'), 0);
  await settleAccounts(t, { faktory, market, allowed: {} }, async () => bouncer.signal('SIGTERM'));
}

/** A clock whose wall time a test moves, as a wrong NTP server does. */
class MovedClock extends SystemClock {
  offsetMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.offsetMs;
  }
}

for (const mode of MODES) {
  t.test(`the bouncer is killed, and started again (${mode})`, { skip, buffered: true }, (t) =>
    onMachine(t, mode, {}, async ({ bouncer, market }) => {
      for (let n = 0; n < 2; n += 1) {
        await bouncer.kill();
        await bouncer.start();
        await marketWorks(market, 30);
      }
    }),
  );

  t.test(`the bouncer stands still for a while (${mode})`, { skip, buffered: true }, (t) =>
    onMachine(t, mode, {}, async ({ bouncer }) => {
      bouncer.signal('SIGSTOP');
      // Longer than clients wait, and than Faktory may owe an answer.
      await sleep(6000);
      bouncer.signal('SIGCONT');
      await until(async () => (await bouncer.metric('faktory_up')) === 1, { what: 'Faktory' });
      const ended = 'server_connections_ended_total{reason="unanswered"}';
      t.equal(await bouncer.metric(ended), 0, 'what it has slept through counts for nothing');
    }),
  );

  t.test(
    `no file is left to open (${mode})`,
    { skip: skip || hasNoPrlimit(), buffered: true },
    (t) => {
      // Those that find none for their connection to Faktory are refused after this.
      const overrides = { 'waiting_line.timeout': '4s' };
      return onMachine(t, mode, { overrides }, async ({ bouncer }) => {
        const before = bouncer.openFiles.length;
        limitFiles(bouncer, before + 4);
        const clients = await Promise.all(
          Array.from({ length: 30 }, () =>
            RawClient.connect({ port: bouncer.port }).catch(() => null),
          ),
        );
        t.ok(clients.includes(null), 'some find no file');
        const cpuBefore = bouncer.cpuSeconds;
        const startedAt = performance.now();
        const late = await RawClient.connect({ port: bouncer.port }).catch(() => null);
        await sleep(1000);
        const cpuShare =
          (bouncer.cpuSeconds - cpuBefore) / ((performance.now() - startedAt) / 1000);
        t.ok(cpuShare < 0.6, `it does not spin: ${cpuShare.toFixed(2)} of a core`);
        limitFiles(bouncer, 20_000);
        const after = await until(() => letIn(bouncer.port), { what: 'a client to be let in' });
        t.same(await after.command(pushLine({ queue: 'other' }).line), ok, 'and accepts again');
        for (const client of [...clients, late, after]) client?.reset();
      });
    },
  );

  t.test(`memory is short (${mode})`, { skip, buffered: true }, (t) => {
    const overrides = { 'limits.buffered_bytes': '16MiB', max_command_bytes: '4MiB' };
    const nodeFlags = ['--max-old-space-size=48'];
    return onMachine(t, mode, { overrides, nodeFlags }, async ({ bouncer }) => {
      const before = bouncer.rssBytes;
      // Each sends all but the end of a large job, so that the bouncer has to keep it.
      const job = `PUSH {"jid":"never-whole","queue":"default","args":["${'x'.repeat(2_000_000)}`;
      const clients = await Promise.all(
        Array.from({ length: 60 }, () => RawClient.connect({ port: bouncer.port })),
      );
      for (const client of clients) client.send(job);
      await until(async () => (await bouncer.metric('buffered_bytes')) > 10_000_000, {
        what: 'the limit to be reached',
        withinMs: 30_000,
      });
      await sleep(1000);
      const buffered = await bouncer.metric('buffered_bytes');
      // One command more than the limit, and one read of each client.
      t.ok(buffered <= 16 * 2 ** 20 + 4_000_000 + 60 * 65_536, `${buffered} bytes held`);
      const grown = bouncer.rssBytes - before;
      t.ok(grown < 200_000_000, `${Math.round(grown / 1e6)} MB more, of 120 MB that were sent`);
      for (const client of clients) client.reset();
    });
  });

  t.test(`the wall clock jumps by a day, and back (${mode})`, { skip, buffered: true }, (t) => {
    const clock = new MovedClock();
    // A probe by Faktory needs clocks that agree; one by Redis itself needs none.
    return ordeal(
      t,
      mode,
      { asksRedis: true, clock },
      async ({ faktory, bouncer, market, works }) => {
        const from = market.pushed.length;
        let to = from;
        for (const offsetMs of [DAY_MS, -DAY_MS, 0]) {
          clock.offsetMs = offsetMs;
          await works();
          await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', '1');
          await until(() => bouncer.snapshot().writes.held === PRODUCERS, {
            what: 'writes to be held',
            withinMs: 30_000,
          });
          to = market.pushed.length;
          await askRedis(faktory.redisSocket, 'CONFIG', 'SET', 'maxmemory', '0');
          await until(() => bouncer.snapshot().writes.state === 'sound', {
            what: `writes to be sound with a clock ${offsetMs} ms off`,
            withinMs: 30_000,
          });
        }
        // Those of the moment between the refusal and the probe that finds it: docs/modes.md.
        const mayBe = new Set(market.pushed.slice(from, to));
        return {
          mayLose: (lost) => lost.filter((jid) => !mayBe.has(jid)).length <= unreservedIn(market),
        };
      },
    );
  });
}

/** Undefined for one that was refused: 4 s may pass while the machine lets the bouncer stand. */
async function letIn(port: number): Promise<RawClient | undefined> {
  const client = await RawClient.connect({ port });
  if (client.helloReply?.kind !== 'error') return client;
  client.reset();
  return undefined;
}

function hasNoPrlimit(): string | false {
  return findProgram('prlimit') === undefined ? 'prlimit is not installed (util-linux)' : false;
}

function limitFiles(bouncer: BouncerProcess, count: number): void {
  // Of the soft limit only: it can be raised again.
  const args = ['--pid', String(bouncer.pid), `--nofile=${count}:`];
  const { status, stderr } = spawnSync('prlimit', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cannot limit open files: ${stderr}`);
}
