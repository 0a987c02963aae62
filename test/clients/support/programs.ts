// The client programs: how each is installed and started. Promise: what is installed is in
// node_modules/.cache/clients, with pinned versions, and never in git.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, isExecutable } from '../../support/find-faktory.ts';
import { faktoryModule } from '../../support/find-faktory.ts';

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ClientProgram {
  /** Language, library and version. */
  readonly name: string;
  /** Whether `npm test` runs it too: it is installed in seconds, and asks for its state every second. */
  readonly isQuick: boolean;
  /** Time between two BEATs of its worker, in milliseconds. */
  readonly beatMs: number;
  /** What installs it; undefined where `npm ci` does, or a string that says why it cannot be. */
  install(): Install | undefined;
  /** Why it cannot run; undefined if it can. */
  missing(): string | undefined;
  /** Starts it in a role; README.md beside this file says which there are. */
  command(...words: readonly string[]): Command;
}

export type Install = { readonly steps: readonly Command[] } | { readonly impossible: string };

const here = import.meta.dirname;
const cache = join(here, '../../../node_modules/.cache/clients');

const venv = join(cache, 'python');
const python = join(venv, 'bin/python');
const rustBinary = join(cache, 'rust/release/faktory-client');
const gems = join(cache, 'ruby');
const goBinary = join(faktoryModule, 'bin/lifecycle');

const RUBY_GEMS = ['faktory_worker_ruby:2.2.0', 'connection_pool:2.2.5'];

function notInstalled(what: string): string {
  return `Cannot run ${what}: it is not installed (npm run clients)`;
}

function pythonProgram(name: string, file: string): ClientProgram {
  return {
    name,
    isQuick: true,
    beatMs: 1000,
    install: installPython,
    missing: () => (existsSync(join(venv, 'complete')) ? undefined : notInstalled(name)),
    command: (...words) => ({ file: python, args: [join(here, 'python', file), ...words] }),
  };
}

function installPython(): Install {
  const python3 = findProgram('python3');
  if (python3 === undefined) return { impossible: 'found no python3 on PATH' };
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps'];
  const requirements = join(here, 'python/requirements.txt');
  return {
    steps: [
      { file: python3, args: ['-m', 'venv', venv] },
      { file: python, args: [...pip, '-r', requirements] },
      { file: 'touch', args: [join(venv, 'complete')] },
    ],
  };
}

function installRust(): Install {
  const cargo = findProgram('cargo');
  if (cargo === undefined) return { impossible: 'found no cargo on PATH' };
  const manifest = join(here, 'rust/Cargo.toml');
  const args = ['build', '--quiet', '--locked', '--release', '--manifest-path', manifest];
  return { steps: [{ file: cargo, args: [...args, '--target-dir', join(cache, 'rust')] }] };
}

function installRuby(): Install | undefined {
  if (process.env['FAKTORY_WORKER_RUBY'] !== undefined) return undefined;
  const gem = findProgram('gem');
  if (gem === undefined) return { impossible: 'found no gem on PATH' };
  const args = ['install', '--install-dir', gems, '--no-document', ...RUBY_GEMS];
  return { steps: [{ file: gem, args }] };
}

/** The gem from its registry; FAKTORY_WORKER_RUBY=/path/to/checkout/lib uses that instead. */
function rubyCommand(...words: readonly string[]): Command {
  const program = [join(here, 'ruby/program.rb'), ...words];
  const lib = process.env['FAKTORY_WORKER_RUBY'];
  if (lib !== undefined) return { file: 'ruby', args: ['-I', lib, ...program] };
  return { file: 'ruby', args: program, env: { GEM_HOME: gems, GEM_PATH: gems } };
}

export const CLIENT_PROGRAMS: readonly ClientProgram[] = [
  {
    name: 'Node, faktory-worker 4.7.1',
    isQuick: true,
    beatMs: 1000,
    install: () => undefined,
    missing: () => undefined,
    command: (...words) => ({
      file: process.execPath,
      args: [join(here, 'node-program.ts'), ...words],
    }),
  },
  pythonProgram('Python, faktory 1.0.0', 'faktory_program.py'),
  pythonProgram('Python, pyfaktory 0.2.13', 'pyfaktory_program.py'),
  {
    name: 'Rust, faktory 0.13.1',
    isQuick: false,
    beatMs: 5000,
    install: installRust,
    missing: () => (isExecutable(rustBinary) ? undefined : notInstalled('the Rust client')),
    command: (...words) => ({ file: rustBinary, args: words }),
  },
  {
    name: 'Ruby, faktory_worker_ruby 2.2.0',
    isQuick: false,
    beatMs: 10_000,
    install: installRuby,
    missing: () =>
      process.env['FAKTORY_WORKER_RUBY'] !== undefined || existsSync(join(gems, 'gems'))
        ? undefined
        : notInstalled('the Ruby client'),
    command: rubyCommand,
  },
  {
    name: 'Go, faktory_worker_go 1.7.0',
    isQuick: false,
    beatMs: 15_000,
    // Provisioning builds it with the other Go programs.
    install: () => undefined,
    missing: () => (isExecutable(goBinary) ? undefined : notInstalled('the Go client')),
    command: (...words) => ({ file: goBinary, args: words }),
  },
];
