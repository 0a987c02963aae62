// Processes that do not answer: one that is stopped, and one that has not begun to listen. Real processes, a real
// Faktory.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { signal } from '../../bench/harness/signals.ts';
import type { BouncerProgram } from '../support/bouncer-program.ts';
import { requireFaktory } from '../support/real-faktory.ts';
import { until } from '../support/waiting.ts';
import { allReady, childrenOf, post, severalProcesses, WITHIN_MS } from './support/processes.ts';

const skip = requireFaktory(t) === undefined;
const options = { skip, timeout: 600_000 };

const NOT_ANSWERED = /a process has not answered to the new configuration/;

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

async function ready(bouncer: BouncerProgram): Promise<string> {
  const response = await fetch(`${bouncer.adminUrl}/readyz`);
  return `${response.status} ${await response.text()}`;
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
  t.strictSame((await reload(bouncer)).warnings, []);
  t.notMatch(bouncer.log, NOT_ANSWERED, 'both have answered');
  t.equal((await bouncer.metrics()).get('client_connections_limit'), 70);

  const stopped = pidOf(bouncer, 1);
  signal(stopped, 'SIGSTOP');
  configure(61);
  const { applied, warnings } = await reload(bouncer);
  t.equal(applied, true);
  t.equal(warnings.length, 1);
  t.match(
    warnings[0],
    /^Process 1 has not answered to the new configuration, and may have the old/,
  );
  t.match(bouncer.log, NOT_ANSWERED);
  t.match(await ready(bouncer), /^200 ready: process 1: it does not answer/);
  const silent = await bouncer.metrics();
  t.equal(silent.get('processes'), 2);
  t.equal(silent.get('processes_silent'), 1);
  t.equal(silent.get('client_connections_limit'), 31 + 35, 'it is told as it was');

  await until(() => bouncer.log.includes('does not answer the parent process, and is killed'), {
    what: 'the watchdog',
    withinMs: WITHIN_MS,
  });
  await allReady(bouncer);
  t.not(pidOf(bouncer, 1), stopped);
  const whole = await bouncer.metrics();
  t.equal(whole.get('processes_silent'), 0);
  t.equal(whole.get('client_connections_limit'), 61, 'the successor has the new configuration');
});

t.test('a stopped process that goes on has what was changed meanwhile', options, async (t) => {
  const { bouncer, configure } = await twoProcesses(t);
  await allReady(bouncer);
  const stopped = pidOf(bouncer, 0);
  signal(stopped, 'SIGSTOP');
  configure(61);
  t.equal((await reload(bouncer)).warnings.length, 1);
  t.match(await ready(bouncer), /^200 ready: process 0: it does not answer/);
  signal(stopped, 'SIGCONT');
  await allReady(bouncer);
  t.equal((await bouncer.metrics()).get('client_connections_limit'), 61);
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
  const metrics = await bouncer.metrics();
  t.equal(metrics.get('processes'), 2);
  t.equal(metrics.get('client_connections_limit'), 61);
});
