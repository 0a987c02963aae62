// A bouncer of several processes in front of a real Faktory, and what a test wants to know of its processes.

import { readFileSync } from 'node:fs';
import type { Test } from 'tap';
import { familyOf } from '../../../bench/harness/processes.ts';
import { BouncerProgram, variablesFor } from '../../support/bouncer-program.ts';
import { RealFaktory } from '../../support/real-faktory.ts';
import { until } from '../../support/waiting.ts';

/** No machine is so busy. */
export const WITHIN_MS = 120_000;
export const TOKEN = 'the-token-of-the-tests-of-processes';

/** `options`: by the names of their variables, without what all begin with. */
export async function severalProcesses(
  t: Test,
  processes: number,
  options: Readonly<Record<string, string>> = {},
  args: readonly string[] = [],
): Promise<{ readonly faktory: RealFaktory; readonly bouncer: BouncerProgram }> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const bouncer = await startProcesses(
    t,
    faktory,
    { PROCESSES: String(processes), ...options },
    args,
  );
  return { faktory, bouncer };
}

export async function startProcesses(
  t: Test,
  faktory: RealFaktory,
  options: Readonly<Record<string, string>>,
  args: readonly string[] = [],
): Promise<BouncerProgram> {
  const environment = variablesFor(faktory.port, {
    DRAIN_TIMEOUT: '5s',
    ADMIN_TOKEN: TOKEN,
    ...options,
  });
  const bouncer = await BouncerProgram.start({ environment, args });
  t.teardown(async () => {
    const children = childrenOf(bouncer);
    // One that the test has stopped does not see that its parent is gone.
    bouncer.endGroup();
    await bouncer.end('SIGKILL');
    await allGone(children);
  });
  return bouncer;
}

/** The processes that serve clients, by their process ids. */
export function childrenOf(bouncer: BouncerProgram): readonly number[] {
  return familyOf(bouncer.pid)
    .slice(1)
    .filter((pid) => commandOf(pid).includes('child-main'));
}

export async function allGone(pids: readonly number[]): Promise<void> {
  await until(() => pids.every((pid) => commandOf(pid) === ''), {
    what: `the end of ${pids.join(', ')}`,
    withinMs: WITHIN_MS,
  });
}

/** Empty for a process that has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Resolves when the metrics are these, all in one scrape. On a busy machine a process may answer too late, and is
 * told as it was before.
 */
export async function metricsAre(
  bouncer: BouncerProgram,
  expected: Readonly<Record<string, number>>,
): Promise<void> {
  const names = Object.keys(expected);
  await until(
    async () => {
      const metrics = await bouncer.metrics();
      return names.every((name) => metrics.get(name) === expected[name]);
    },
    { what: `the metrics to be ${JSON.stringify(expected)}`, withinMs: WITHIN_MS },
  );
}

/** Asks until all processes have places. */
export async function allReady(bouncer: BouncerProgram): Promise<void> {
  await until(
    async () => (await (await fetch(`${bouncer.adminUrl}/readyz`)).text()) === 'ready\n',
    { what: 'all processes to be ready', withinMs: WITHIN_MS },
  );
}

export async function post(bouncer: BouncerProgram, path: string): Promise<unknown> {
  const response = await fetch(bouncer.adminUrl + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
  });
  return response.json();
}

export async function get<Answer>(bouncer: BouncerProgram, path: string): Promise<Answer> {
  return (await fetch(bouncer.adminUrl + path)).json() as Promise<Answer>;
}
