// Processes that do not answer: one that is stopped, and one that has not begun to listen. Real processes, a real
// Faktory.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { signal } from '../../bench/harness/signals.ts';
import type { BouncerProgram } from '../support/bouncer-program.ts';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import {
  allReady,
  childrenOf,
  metricsAre,
  post,
  severalProcesses,
  WITHIN_MS,
} from './support/processes.ts';

const skip = requireFaktory(t) === undefined;
const options = { skip, timeout: 600_000 };

const NOT_ANSWERED = /a process has not answered to the new configuration/g;

interface Reloaded {
  readonly applied: boolean;
  readonly warnings: readonly string[];
}

async function twoProcesses(t: Test) {
  const file = join(t.testdir({ 'bouncer.yaml': 'limits: { clients: 100 }\n' }), 'bouncer.yaml');
  const { bouncer } = await severalProcesses(t, 2, {}, ['--config', file]);
  return {
    bouncer,
    configure: (clients: number) => writeFileSync(file, `limits: { clients: ${clients} }\n`),
  };
}

async function reload(bouncer: BouncerProgram): Promise<Reloaded> {
  return (await post(bouncer, '/api/reload')) as Reloaded;
}

/** Another process may be silent too, for a moment: a busy machine may keep it from its answer. */
async function readyIs(bouncer: BouncerProgram, expected: string): Promise<void> {
  await until(
    async () => {
      const response = await fetch(`${bouncer.adminUrl}/readyz`);
      return `${response.status} ${await response.text()}` === `${expected}\n`;
    },
    { what: `/readyz to say ${expected}`, withinMs: WITHIN_MS },
  );
}

/** The process id of the process with that number, as the parent last told it. */
function pidOf(bouncer: BouncerProgram, index: number): number {
  const started = new RegExp(`"process":${index},"child":(\\d+),"msg":"a process serves`, 'g');
  return Number([...bouncer.log.matchAll(started)].at(-1)?.[1]);
}

t.test('a stopped process is named until its successor serves', options, async (t) => {
  const { bouncer, configure } = await twoProcesses(t);
  await allReady(bouncer);
  configure(70);
  let warned = 0;
  await until(
    async () => {
      const { warnings } = await reload(bouncer);
      warned += warnings.length;
      return warnings.length === 0;
    },
    { what: 'both to answer to a reload in time', withinMs: WITHIN_MS },
  );
  await metricsAre(bouncer, { client_connections_limit: 70 });

  const stopped = pidOf(bouncer, 1);
  signal(stopped, 'SIGSTOP');
  configure(61);
  const { applied, warnings } = await reload(bouncer);
  t.equal(applied, true);
  const named = /^Process 1 has not answered to the new configuration, and may have the old/;
  t.ok(
    warnings.some((warning) => named.test(warning)),
    'it is named',
  );
  warned += warnings.length;
  await until(() => bouncer.log.match(NOT_ANSWERED)?.length === warned, {
    what: 'a line of the log for each warning, and no other',
    withinMs: WITHIN_MS,
  });
  await readyIs(bouncer, '200 ready: process 1: it does not answer');
  // The limit of the one that is stopped is told as it was.
  await metricsAre(bouncer, {
    processes: 2,
    processes_silent: 1,
    client_connections_limit: 31 + 35,
  });

  await until(() => bouncer.log.includes('does not answer the parent process, and is killed'), {
    what: 'the watchdog',
    withinMs: WITHIN_MS,
  });
  await until(() => pidOf(bouncer, 1) !== stopped, {
    what: 'the successor',
    withinMs: WITHIN_MS,
  });
  await allReady(bouncer);
  // The successor has the new configuration.
  await metricsAre(bouncer, { processes_silent: 0, client_connections_limit: 61 });
});

t.test('a stopped process that goes on has what was changed meanwhile', options, async (t) => {
  const { bouncer, configure } = await twoProcesses(t);
  await allReady(bouncer);
  const stopped = pidOf(bouncer, 0);
  signal(stopped, 'SIGSTOP');
  configure(61);
  const { warnings } = await reload(bouncer);
  t.ok(
    warnings.some((warning) => warning.startsWith('Process 0 ')),
    'it is named',
  );
  await readyIs(bouncer, '200 ready: process 0: it does not answer');
  signal(stopped, 'SIGCONT');
  await allReady(bouncer);
  await metricsAre(bouncer, { client_connections_limit: 61 });
  t.equal(pidOf(bouncer, 0), stopped);
});

t.test('a process hears what was changed while it started', options, async (t) => {
  const { bouncer, configure } = await twoProcesses(t);
  await allReady(bouncer);
  const before = childrenOf(bouncer);
  signal(pidOf(bouncer, 1), 'SIGKILL');
  const next = await until(() => childrenOf(bouncer).find((pid) => !before.includes(pid)), {
    what: 'the next process',
    withinMs: WITHIN_MS,
  });
  signal(next, 'SIGSTOP');
  configure(61);
  t.match(await reload(bouncer), { applied: true });
  signal(next, 'SIGCONT');
  await allReady(bouncer);
  await metricsAre(bouncer, { processes: 2, client_connections_limit: 61 });
});
