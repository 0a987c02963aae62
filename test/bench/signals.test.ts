// Signals by process ids, to processes of the test's own. Promise: an id that was not found reaches nobody: it would
// mean the group of all tests.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import t, { type Test } from 'tap';
import { statusOf } from '../../bench/harness/processes.ts';
import { signal, signalGroup, whileStopped } from '../../bench/harness/signals.ts';
import { until } from '../support/waiting.ts';

function sleeper(t: Test): ChildProcess {
  const child = spawn('sleep', ['600'], { stdio: 'ignore', detached: true });
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

function stateOf({ pid }: ChildProcess): string | undefined {
  return statusOf(pid)?.state;
}

t.test('an id that is no process of its own is refused', async (t) => {
  // CONT does nothing to those that it would reach.
  for (const pid of [undefined, 0, -1, 1, Number.NaN, 1.5, -process.pid]) {
    t.throws(() => signal(pid, 'SIGCONT'), /Cannot send SIGCONT: .* is no process's id/);
    t.throws(() => signalGroup(pid, 'SIGCONT'), /Cannot send SIGCONT: .* is no process's id/);
  }
});

t.test('a process, and a group, gets its signal', async (t) => {
  const child = sleeper(t);
  signal(child.pid, 'SIGTERM');
  t.same(await once(child, 'exit'), [null, 'SIGTERM']);
  t.throws(() => signal(child.pid, 'SIGTERM'), { code: 'ESRCH' });
  signalGroup(child.pid, 'SIGTERM');

  const leader = sleeper(t);
  signalGroup(leader.pid, 'SIGINT');
  t.same(await once(leader, 'exit'), [null, 'SIGINT']);
});

t.test('a process that stands still goes on, whatever became of the meanwhile', async (t) => {
  const child = sleeper(t);
  const meanwhile = whileStopped(child.pid, async () => {
    // The system stops it when it has its next turn.
    await until(() => stateOf(child) === 'T', { what: 'the process to stand still' });
    throw new Error('it failed');
  });
  await t.rejects(meanwhile, /it failed/);
  await until(() => stateOf(child) !== 'T', { what: 'the process to go on' });
});
