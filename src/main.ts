#!/usr/bin/env -S node --disable-sigusr1
// The command line: arguments, signals, exit codes, nothing else. Promise: 0 is stopped, 1 failed
// at run time, 2 wrong configuration or usage. Only Node's own modules are imported before the
// version of Node is known, so that an old one gets a message instead of a syntax error.

import { existsSync, statSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';

import type { Config } from './config/config.ts';
import type { Environment } from './config/environment.ts';
import type { Logger } from './observe/log.ts';
import type { FlagValue, Loaded } from './config/load.ts';
import type { Reading } from './config/read-file.ts';

const EXIT = { stopped: 0, failed: 1, misused: 2 } as const;

/** They drain; see docs/operations.md. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
const IGNORED_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;

/** The first with stable type stripping, see `engines` in package.json. */
const NODE_MIN = { major: 24, minor: 12 } as const;

/** What the process was started with; read at the start, and again by each reload. */
interface Sources {
  readonly file: string | null;
  readonly environment: Environment;
  readonly flags: readonly FlagValue[];
}

/** Error codes in words. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
  ENOTFOUND: 'the host name is unknown',
};

// What a command leaves behind dies young: a nursery that may grow to 16 MB only holds memory back.
// Measured with 10,000 idle clients: 136 MB of process memory instead of 174 MB.
setFlagsFromString('--semi-space-growth-factor=1');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NODE_MIN.major || (major === NODE_MIN.major && minor < NODE_MIN.minor)) {
  process.stderr.write(
    `Cannot run on Node ${process.versions.node}: faktory-bouncer needs Node ${NODE_MIN.major}.${NODE_MIN.minor} or newer. Install it from https://nodejs.org.\n`,
  );
  process.exitCode = EXIT.misused;
} else {
  // oxlint-disable-next-line no-restricted-properties -- the one place where the environment comes in
  await main(process.argv.slice(2), process.env);
}

async function main(args: readonly string[], environment: Environment): Promise<void> {
  const { HELP, readCommandLine } = await import('./config/command-line.ts');
  const request = readCommandLine(args);
  switch (request.kind) {
    case 'help':
      process.stdout.write(HELP);
      return;
    case 'version':
      process.stdout.write(`${(await import('./version.ts')).VERSION}\n`);
      return;
    case 'completion': {
      const { renderCompletion } = await import('./config/completion.ts');
      process.stdout.write(renderCompletion(request.shell));
      return;
    }
    case 'misuse':
      return fail(EXIT.misused, [request.text]);
    case 'check':
      return check(await load(request.file, environment, request.flags));
    case 'top':
      return showTop(request, environment);
    case 'run': {
      const { CONFIG_VARIABLE } = await import('./config/environment.ts');
      const file = request.file ?? environment[CONFIG_VARIABLE] ?? null;
      return run({ file, environment, flags: request.flags });
    }
  }
}

async function showTop(
  { url, once, json }: { url: string | null; once: boolean; json: boolean },
  environment: Environment,
): Promise<void> {
  const { adminTarget } = await import('./config/admin-target.ts');
  const { TOKEN_VARIABLE } = await import('./config/admin-token.ts');
  const { top } = await import('./top/top.ts');
  const target = adminTarget(url, environment);
  if (target.kind === 'refused') return fail(EXIT.misused, [`${target.text}.`]);
  const token = environment[TOKEN_VARIABLE] ?? '';
  const { stdin: input, stdout: output } = process;
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => stop.abort());
  try {
    await top({ target, token, once, json, input, output, stop });
  } catch (error) {
    fail(EXIT.failed, [`${wordsFor(error)}.`]);
  }
}

async function load(
  name: string | null,
  environment: Environment,
  flags: readonly FlagValue[],
  reading: Reading = 'once',
): Promise<Loaded> {
  const { loadConfig } = await import('./config/load.ts');
  const { readFileBounded } = await import('./config/read-file.ts');
  const readFile = (path: string): Buffer => readFileBounded(path, reading);
  let file: { name: string; text: string } | null = null;
  try {
    if (name !== null) file = { name, text: readFile(name).toString('utf8') };
  } catch (error) {
    const origin = { kind: 'default' } as const;
    const shown = name === '' ? "''" : name;
    const text = `Cannot read the configuration ${shown}: ${wordsFor(error)}. Name a file that exists and that this user may read.`;
    return { problems: [{ origin, text }], warnings: [] };
  }
  return loadConfig({ file, environment, flags, readFile });
}

/** The configuration of a process that runs: it must also be able to hold the connections. */
async function loadToRun(
  { file, environment, flags }: Sources,
  reading: Reading = 'once',
): Promise<Loaded> {
  const loaded = await load(file, environment, flags, reading);
  if ('problems' in loaded) return loaded;
  const { openFilesProblem, readOpenFilesMax } = await import('./config/open-files.ts');
  const text = openFilesProblem(loaded.config.limits, readOpenFilesMax());
  if (text === null) return loaded;
  return { problems: [{ origin: { kind: 'default' }, text }], warnings: loaded.warnings };
}

/** A pipe has been read to its end at the start: it would block, or give an empty configuration. */
async function reload(sources: Sources): Promise<Loaded> {
  const pipe = filesOf(sources).find((file) => existsSync(file) && !statSync(file).isFile());
  if (pipe === undefined) return loadToRun(sources, 'again');
  const text = `Cannot read ${pipe} again: it is not a regular file. Start with regular files to be able to reload.`;
  return { problems: [{ origin: { kind: 'default' }, text }], warnings: [] };
}

/** Those, and the files that its options name. */
function allFilesOf(sources: Sources, { listen, server, admin }: Config): readonly string[] {
  const { certificate, key, clientCa, ticketKeyFile } = listen.tls;
  const { tls } = server;
  const named = [certificate, key, clientCa, ticketKeyFile, tls.ca, tls.certificate, tls.key];
  named.push(listen.previousPasswordFile, admin.tokenFile);
  return [...filesOf(sources), ...named.filter((path) => path !== '')];
}

/** The files that the configuration is read from. */
function filesOf({ file, environment }: Sources): readonly string[] {
  const password = environment['FAKTORY_PASSWORD'] ?? '';
  return [...(file === null ? [] : [file]), ...(password.startsWith('/') ? [password] : [])];
}

/** Prints what the configuration comes to, or what is wrong with it. */
async function check(loaded: Loaded): Promise<void> {
  for (const warning of loaded.warnings) process.stderr.write(`Warning: ${warning}\n`);
  if ('problems' in loaded) return failOnProblems(loaded);
  const { renderEffective } = await import('./config/effective.ts');
  process.stdout.write(renderEffective(loaded.config));
}

async function failOnProblems(loaded: Extract<Loaded, { problems: unknown }>): Promise<void> {
  const { formatProblem } = await import('./config/problems.ts');
  fail(EXIT.misused, loaded.problems.map(formatProblem));
}

async function run(sources: Sources): Promise<void> {
  const loaded = await loadToRun(sources);
  if ('problems' in loaded) return failOnProblems(loaded);
  const { config, warnings } = loaded;
  const { createLog } = await import('./observe/log.ts');
  const { Bouncer } = await import('./bouncer.ts');
  const { systemSurroundings } = await import('./surroundings.ts');
  const { VERSION } = await import('./version.ts');
  const log = createLog(config.log.level);
  const { serviceManager } = await import('./base/service-manager.ts');
  const { SystemClock } = await import('./base/clock.ts');
  const manager = serviceManager(sources.environment, new SystemClock(), process.pid);
  for (const warning of warnings) log.warn(warning);
  const { socketActivation } = await import('./config/activation.ts');
  const given = socketActivation(sources.environment, process.pid);
  if (given.kind === 'refused') return fail(EXIT.misused, [given.text]);
  const givenFd = given.kind === 'socket' ? given.fd : null;
  const configSource = {
    load: () => reload(sources),
    filesOf: (inForce: Config) => allFilesOf(sources, inForce),
  };
  const bouncer = new Bouncer(config, systemSurroundings(log, configSource, { givenFd, manager }));
  const starting = bouncer.start();
  const { statusLine } = await import('./observe/status-line.ts');
  const reloadOnceStarted = (): Promise<unknown> =>
    // A start that fails ends the process by itself.
    starting.then(
      () => bouncer.reload(),
      () => {},
    );
  process.on('SIGHUP', () => void reloadOnceStarted());
  ignoreOtherSignals(log);
  stopOnSignals((signal) => {
    // A start that fails ends the process by itself.
    starting.then(() => bouncer.drain(signal)).catch(() => {});
  });
  endWhenDrained(bouncer.ended, log);
  const { formatAddress, formatPlace } = await import('./config/units.ts');
  try {
    const { listen, admin } = await starting;
    const facts = {
      version: VERSION,
      mode: config.mode,
      server: formatAddress(config.server.address),
    };
    log.info({ ...facts, listen: formatAddress(listen), admin: formatPlace(admin) }, 'listening');
    manager.ready(() => statusLine(bouncer.snapshot()));
  } catch (error) {
    process.stderr.write(
      `${startFailure(error, { where: formatAddress(config.listen.address), givenFd })}\n`,
    );
    // What was started before the failure must not keep the process alive.
    process.exit(EXIT.failed);
  }
}

/** The first signal stops in good order, a second one at once. */
function stopOnSignals(stop: (signal: string) => void): void {
  let isStopping = false;
  const onSignal = (signal: string): void => {
    if (isStopping) process.exit(EXIT.failed);
    isStopping = true;
    stop(signal);
  };
  for (const signal of STOP_SIGNALS) process.on(signal, onSignal);
}

/** A drain begins with a signal, or over the admin address. */
function endWhenDrained(drained: Promise<void>, log: Logger): void {
  drained.then(
    () => {
      log.info('stopped');
      process.exit(EXIT.stopped);
    },
    (error: unknown) => {
      process.stderr.write(`Cannot stop in good order: ${wordsFor(error)}.\n`);
      process.exit(EXIT.failed);
    },
  );
}

/**
 * Signals that end a process, or open Node's debugger, unless the process listens to them. They are
 * sent by habit, and must not cost a connection.
 */
function ignoreOtherSignals(log: Logger): void {
  for (const signal of IGNORED_SIGNALS) {
    process.on(signal, () =>
      log.warn({ signal }, 'signal ignored: it has no meaning; SIGHUP reloads the configuration'),
    );
  }
}

/** What was to be listened on: an address, unless a socket was handed over. */
interface Attempt {
  readonly where: string;
  readonly givenFd: number | null;
}

/** What could not be listened on, and what to do; the admin address says it itself. */
function startFailure(error: unknown, { where, givenFd }: Attempt): string {
  if (!(error instanceof Error) || !('syscall' in error)) {
    const why = wordsFor(error);
    return why.startsWith('Cannot ') ? `${why}.` : `Cannot start: ${why}.`;
  }
  if (givenFd !== null) {
    return `Cannot listen on file descriptor ${givenFd}, which LISTEN_FDS hands over: ${wordsFor(error)}. Hand over a listening stream socket.`;
  }
  const first =
    'code' in error && error.code === 'EADDRINUSE' ? 'Stop the other process or choose' : 'Choose';
  return `Cannot listen on ${where}: ${wordsFor(error)}. ${first} another address with --listen.`;
}

function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const words = WORDS[code];
  return words === undefined ? error.message : `${words} (${code})`;
}

function fail(exitCode: number, texts: readonly string[]): void {
  process.stderr.write(texts.map((text) => `${text}\n`).join(''));
  process.exitCode = exitCode;
}
