// A bouncer as the process that runs it: signals, the service manager, the socket that was handed over.
// Promise: the process ends when a drain has ended, or when the start fails.

import type { Address, SocketPath } from './base/address.ts';
import { SystemClock } from './base/clock.ts';
import { serviceManager } from './base/service-manager.ts';
import { StdoutLines } from './base/stdout-lines.ts';
import { Bouncer } from './bouncer.ts';
import { socketActivation } from './config/activation.ts';
import type { Config } from './config/config.ts';
import { allFilesOf, loadToRun, type StartedWith } from './config/load-files.ts';
import { wordsFor } from './config/system-errors.ts';
import { formatAddress, formatPlace } from './config/units.ts';
import { EXIT, fail } from './exit.ts';
import { createLog, type Logger } from './observe/log.ts';
import type { Snapshot } from './observe/snapshot.ts';
import { statusLine } from './observe/status-line.ts';
import type { ParentParts } from './parent.ts';
import type { ConfigSource } from './reloads.ts';
import { startFailure } from './start-failure.ts';
import { systemSurroundings } from './surroundings.ts';
import { VERSION } from './version.ts';

/** They drain; see docs/operations.md. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
const IGNORED_SIGNALS = ['SIGUSR1', 'SIGUSR2'] as const;

/** A configuration that has been checked. */
export interface Checked {
  readonly config: Config;
  readonly warnings: readonly string[];
}

/** Starts a bouncer. Resolves when it listens; `started` are read again by a reload. */
export async function run(started: StartedWith, { config, warnings }: Checked): Promise<void> {
  const { environment } = started;
  const lines = new StdoutLines();
  const log = createLog(config.log.level, lines);
  for (const warning of warnings) log.warn(warning);
  const given = socketActivation(environment, process.pid);
  if (given.kind === 'refused') return fail(EXIT.misused, [given.text]);
  const givenFd = given.kind === 'socket' ? given.fd : null;
  const manager = serviceManager(environment, new SystemClock(), process.pid);
  const configSource: ConfigSource = {
    load: async () => loadToRun(started, 'again'),
    filesOf: (inForce) => allFilesOf(started, inForce),
  };
  const surroundings = systemSurroundings(log, configSource, { givenFd, manager });
  const bouncer: Runs =
    config.processes === 1
      ? oneProcess(new Bouncer(config, surroundings))
      : await severalProcesses({ ...surroundings, config, environment, manager, givenFd, lines });
  const starting = bouncer.start();
  onSignals(bouncer, starting, log);
  endWhenDrained(bouncer.ended, log);
  try {
    const { listen, admin } = await starting;
    const facts = {
      version: VERSION,
      mode: config.mode,
      ...(config.processes > 1 && { processes: config.processes }),
      server: formatAddress(config.server.address),
    };
    log.info({ ...facts, listen: formatAddress(listen), admin: formatPlace(admin) }, 'listening');
    manager.ready(() => statusLine(bouncer.snapshot()));
  } catch (error) {
    const { address } = config.listen;
    process.stderr.write(`${startFailure(error, { address, givenFd })}\n`);
    // What was started before the failure must not keep the process alive.
    process.exit(EXIT.failed);
  }
}

/** A bouncer in this process, or in several. */
interface Runs {
  start(): Promise<{ readonly listen: Address; readonly admin: Address | SocketPath }>;
  reload(): Promise<unknown>;
  drain(reason: string): Promise<void>;
  /** Ends what a second signal must not leave behind. */
  kill(): void;
  readonly ended: Promise<void>;
  snapshot(): Snapshot;
}

function oneProcess(bouncer: Bouncer): Runs {
  return {
    start: () => bouncer.start(),
    reload: () => bouncer.reload(),
    drain: (reason) => bouncer.drain(reason),
    kill: () => {},
    ended: bouncer.ended,
    snapshot: () => bouncer.snapshot(),
  };
}

/** Loaded only where it is needed. */
async function severalProcesses(parts: ParentParts): Promise<Runs> {
  const { Parent } = await import('./parent.ts');
  const parent = new Parent(parts);
  return {
    start: () => parent.start(),
    reload: () => parent.reload(),
    drain: (reason) => parent.drain(reason),
    kill: () => parent.kill(),
    ended: parent.ended,
    snapshot: () => parent.snapshot,
  };
}

/** A signal that comes during the start waits for its end; a start that fails ends the process by itself. */
function onSignals(bouncer: Runs, starting: Promise<unknown>, log: Logger): void {
  const onceStarted = (act: () => Promise<unknown>): Promise<unknown> =>
    starting.then(act, () => {});
  process.on('SIGHUP', () => void onceStarted(() => bouncer.reload()));
  ignoreOtherSignals(log);
  // How it ends is told by endWhenDrained, whatever began it.
  const stop = (signal: string): void => {
    onceStarted(() => bouncer.drain(signal)).catch(() => {});
  };
  stopOnSignals(stop, () => bouncer.kill());
}

/** The first signal stops in good order, a second one at once. */
function stopOnSignals(stop: (signal: string) => void, kill: () => void): void {
  let isStopping = false;
  const onSignal = (signal: string): void => {
    if (isStopping) {
      kill();
      process.exit(EXIT.failed);
    }
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
