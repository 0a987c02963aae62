// Installs the client programs: those that are quick, or all. Promise: says what it could not install,
// and why; the tests skip what is missing.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { CLIENT_PROGRAMS, type ClientProgram, type Command } from './programs.ts';

const STEP_MS = 20 * 60_000;
const OUTPUT_LINES = 5;

/** Resolves with the problems, one sentence each. */
export async function installClients(
  which: 'quick' | 'all',
  say: (line: string) => void,
): Promise<readonly string[]> {
  const problems: string[] = [];
  for (const program of CLIENT_PROGRAMS) {
    if (which === 'quick' && !program.isQuick) continue;
    const problem = await install(program, say);
    if (problem !== undefined) problems.push(problem);
  }
  return problems;
}

async function install(
  program: ClientProgram,
  say: (line: string) => void,
): Promise<string | undefined> {
  const how = program.missing() === undefined ? undefined : program.install();
  if (how === undefined) return undefined;
  if ('impossible' in how) return `Cannot install the client (${program.name}): ${how.impossible}`;
  say(`install the client (${program.name}) …`);
  for (const step of how.steps) {
    // Once more: most of what fails is a registry that was away for a moment.
    const problem = (await run(step)) === undefined ? undefined : await run(step);
    if (problem !== undefined) return `Cannot install the client (${program.name}): ${problem}`;
  }
  return undefined;
}

/** Resolves with the problem, if there is one. */
async function run({ file, args }: Command): Promise<string | undefined> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: STEP_MS });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
  try {
    await once(child, 'close');
  } catch (error) {
    return String(error);
  }
  if (child.exitCode === 0) return undefined;
  return `${child.signalCode ?? `exit code ${child.exitCode}`}\n${lastLines(output)}`;
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-OUTPUT_LINES).join('\n');
}

if (import.meta.main) {
  for (const problem of await installClients('all', console.log)) console.log(problem);
}
