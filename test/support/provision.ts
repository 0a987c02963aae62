// Gets what the tests need and a fresh machine lacks: redis-server, proxies, Prometheus, Chromium, what
// builds and runs images, the pinned Faktory, Go and Python clients.
// Says what it could not get and still exits 0: tests skip what needs it (CI=true: they fail).

import { spawn } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { installClients } from '../clients/support/install.ts';
import { GO_CLIENTS } from './go-client.ts';
import { kubernetesModule } from './kubernetes-check.ts';
import { builtFaktory, faktoryModule, findFaktory, findProgram } from './find-faktory.ts';
import { RealFaktory } from './real-faktory.ts';

export interface Provisioned {
  /** The version that answered, or undefined where Faktory cannot be had. */
  readonly version: string | undefined;
  /** What could not be got and why, one sentence each. */
  readonly missing: readonly string[];
}

export type Say = (line: string) => void;

const quietMs = 2000;
const stepMs = 10 * 60_000;
const outputLinesShown = 5;
/** All steps need the network, which may be away for a moment. */
const triesMax = 3;
const triesEveryMs = 10_000;
const aptOptions = ['-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300'];
const noGo = 'found no go on PATH; install Go 1.24 or later';
const faktoryPackage = 'github.com/contribsys/faktory/cmd/faktory';
const servicePolicy = '/usr/sbin/policy-rc.d';

export async function provision(say: Say): Promise<Provisioned> {
  const problems = [await provisionPrograms(say, ['redis-server']), await provisionFaktory(say)];
  const found = findFaktory();
  if ('missing' in found) problems.push(found.missing);
  const missing = problems.filter((problem) => problem !== undefined);
  if (missing.length > 0) return { version: undefined, missing };
  return bootOnce();
}

/** Debian packages, each by a program of it. */
const PACKAGES = {
  'redis-server': ['redis-server'],
  haproxy: ['haproxy'],
  nginx: ['nginx', 'libnginx-mod-stream'],
  openssl: ['openssl'],
  promtool: ['prometheus'],
  chromium: ['chromium'],
  buildah: ['buildah'],
  crun: ['crun'],
} as const;

type Program = keyof typeof PACKAGES;

/** What single tests need; the problem where it cannot be had. */
export function provisionProxies(say: Say): Promise<string | undefined> {
  return provisionPrograms(say, ['haproxy', 'nginx', 'openssl']);
}

/** For the tests of alerts and dashboard; the problem where it cannot be had. */
export function provisionPrometheus(say: Say): Promise<string | undefined> {
  return provisionPrograms(say, ['promtool']);
}

/** The browser for the tests of the status page; the problem where it cannot be had. */
export function provisionChromium(say: Say): Promise<string | undefined> {
  return provisionPrograms(say, ['chromium']);
}

/** For the test of the image; the problem where it cannot be had. */
export function provisionImageTools(say: Say): Promise<string | undefined> {
  return provisionPrograms(say, ['buildah', 'crun']);
}

async function provisionPrograms(
  say: Say,
  programs: readonly Program[],
): Promise<string | undefined> {
  const missing = programs.filter((program) => findProgram(program) === undefined);
  if (missing.length === 0) return undefined;
  const names = missing.flatMap((program) => PACKAGES[program]);
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || findProgram('apt-get') === undefined) {
    return `Cannot install ${names.join(', ')}: this needs root and apt-get; install it by hand`;
  }
  const install = [...aptOptions, 'install', '-y', '--no-install-recommends', ...names];
  // Together: an index that could not be fetched is a warning only, and what is in it cannot be installed.
  return retried(
    say,
    async () =>
      (await tryStep(say, 'apt-get update', 'apt-get', [...aptOptions, 'update'])) ??
      (await withoutServices(() =>
        tryStep(say, `install ${names.join(', ')}`, 'apt-get', install),
      )),
  );
}

async function provisionFaktory(say: Say): Promise<string | undefined> {
  const chosen = process.env['FAKTORY_BIN'];
  if (chosen !== undefined && chosen !== '') return undefined;
  if (findProgram('go') === undefined) {
    if (existsSync(builtFaktory)) return undefined;
    return `Cannot build Faktory: ${noGo}, or set FAKTORY_BIN`;
  }
  // Always: Go knows whether there is anything to do, and does nothing in 0.2 s.
  return step(say, 'build Faktory', 'go', ['build', '-o', builtFaktory, faktoryPackage]);
}

/** Clients for the tests of real clients; the problem where they cannot be built. */
export async function provisionGoClients(say: Say): Promise<string | undefined> {
  if (findProgram('go') === undefined) return `Cannot build the Go clients: ${noGo}`;
  const packages = Object.values(GO_CLIENTS);
  return step(say, 'build the Go clients', 'go', ['build', '-o', 'bin/', ...packages]);
}

/** The program that renders and checks the Kubernetes manifests; the problem where it cannot be built. */
export async function provisionKubernetesCheck(say: Say): Promise<string | undefined> {
  if (findProgram('go') === undefined) return `Cannot build the manifest check: ${noGo}`;
  const args = ['build', '-o', 'bin/', '.'];
  return step(say, 'build the manifest check', 'go', args, kubernetesModule);
}

/**
 * Proves that it starts. Also writes /tmp/redis.conf, which Faktory does on its first start on a
 * machine: two first starts at once would let one Redis read half a file.
 */
async function bootOnce(): Promise<Provisioned> {
  try {
    const faktory = await RealFaktory.start();
    await faktory.stop();
    return { version: faktory.version, missing: [] };
  } catch (error) {
    return { version: undefined, missing: [String(error)] };
  }
}

/** Acts again if there was a problem; resolves with the last one, if there is one. */
async function retried(
  say: Say,
  act: () => Promise<string | undefined>,
): Promise<string | undefined> {
  for (let tries = 1; ; tries += 1) {
    const problem = await act();
    if (problem === undefined || tries === triesMax) return problem;
    say(`${problem}; once more`);
    await setTimeout(tries * triesEveryMs);
  }
}

function step(...command: Parameters<typeof tryStep>): Promise<string | undefined> {
  return retried(command[0], () => tryStep(...command));
}

/** Runs the command; resolves with the problem, if there is one. */
function tryStep(
  say: Say,
  what: string,
  program: string,
  args: readonly string[],
  cwd = faktoryModule,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: stepMs,
    });
    let output = '';
    const slow = globalThis.setTimeout(() => say(`${what} …`), quietMs);
    const end = (problem: string | undefined): void => {
      clearTimeout(slow);
      resolve(problem);
    };
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString('utf8')));
    child.on('error', (error) => end(`Cannot ${what}: ${error.message}`));
    child.on('close', (code, signal) => {
      if (code === 0) end(undefined);
      else end(`Cannot ${what}: ${signal ?? `exit code ${code}`}\n${lastLines(output)}`);
    });
  });
}

/** Debian starts what it installs, unless this file says no. */
async function withoutServices<T>(act: () => Promise<T>): Promise<T> {
  if (existsSync(servicePolicy)) return act();
  writeFileSync(servicePolicy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    return await act();
  } finally {
    rmSync(servicePolicy, { force: true });
  }
}

function lastLines(output: string): string {
  return output.trimEnd().split('\n').slice(-outputLinesShown).join('\n');
}

function print(line: string): void {
  console.log(`provision: ${line}`);
}

const MORE = [
  provisionProxies,
  provisionPrometheus,
  provisionChromium,
  provisionImageTools,
  provisionGoClients,
  provisionKubernetesCheck,
];

if (import.meta.main) {
  const { version, missing } = await provision(print);
  for (const problem of missing) print(problem);
  for (const provisionMore of MORE) {
    const problem = await provisionMore(print);
    if (problem !== undefined) print(`${problem}; its tests will be skipped, or fail as CI=true`);
  }
  for (const problem of await installClients('quick', print)) {
    print(`${problem}; its tests will be skipped`);
  }
  if (version !== undefined) print(`tests run against Faktory ${version}`);
  else if (process.env['CI'] === 'true') print('tests that need Faktory will fail, as CI=true');
  else print('tests that need Faktory will be skipped');
}
