// One of several processes that serve clients, as the program that the parent process starts. Promise: it does
// what the parent says, and outlives it by a drain at most; it reads no file, and has no admin address.

import { SystemClock } from './base/clock.ts';
import { SILENT } from './base/service-manager.ts';
import { Bouncer } from './bouncer.ts';
import { wordsFor } from './config/system-errors.ts';
import { EXIT } from './exit.ts';
import { createLog } from './observe/log.ts';
import type { Orders } from './processes/messages.ts';
import { ParentLink } from './processes/parent-link.ts';
import { PARENT_EXPIRY_MS } from './shared-limit.ts';
import { timingOf } from './sharing/timing.ts';
import { startFailure } from './start-failure.ts';
import { type Admin, type Surroundings, systemSurroundings } from './surroundings.ts';

/** A group of processes gets them at once: the terminal's, or a service manager's. */
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;
/** They are for the parent. */
const IGNORED_SIGNALS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** Past the end of a drain, for what it does last. */
const LAST_MS = 2000;

const clock = new SystemClock();
/** Null until the orders have come. */
let serving: { readonly bouncer: Bouncer; readonly started: Promise<boolean> } | null = null;
/** Why it is to stop; null: it is not. */
let stopReason: string | null = null;
/** For how long a drain may take. */
let drainMs = 0;

const link = new ParentLink({
  channel: process,
  clock,
  timeoutMs: timingOf(PARENT_EXPIRY_MS).timeoutMs,
  listener: {
    onOrders: serve,
    onDrain: stop,
    onReload: (config) => {
      drainMs = config.drainDelayMs + config.drainTimeoutMs;
      serving?.bouncer.apply(config);
    },
    onGone: () => {
      stop('the parent process has ended');
      // Nothing waits for this process, so nothing else would end it.
      clock.after(drainMs + LAST_MS, () => process.exit(EXIT.failed));
    },
  },
});
for (const signal of STOP_SIGNALS) process.on(signal, () => stop(signal));
for (const signal of IGNORED_SIGNALS) process.on(signal, () => {});

function serve({ index, config, givenFd, isPaused }: Orders): void {
  drainMs = config.drainDelayMs + config.drainTimeoutMs;
  const log = createLog(config.log.level).child({ process: index });
  const bouncer = new Bouncer(config, {
    ...systemSurroundings(log, { load: notHere, filesOf: () => [] }, { givenFd, manager: SILENT }),
    admin: adminOfParent,
    parent: link,
  });
  const started = bouncer.start().then(
    ({ listen }) => {
      if (isPaused) bouncer.pause();
      link.tell({ kind: 'listening', listen });
      return true;
    },
    (error: unknown) => {
      const text = startFailure(error, { address: config.listen.address, givenFd });
      link.tell({ kind: 'failed', text }, () => process.exit(EXIT.failed));
      return false;
    },
  );
  bouncer.ended.then(
    () => process.exit(EXIT.stopped),
    (error: unknown) => {
      log.error({ reason: wordsFor(error) }, 'Cannot stop in good order');
      process.exit(EXIT.failed);
    },
  );
  serving = { bouncer, started };
  if (stopReason !== null) stop(stopReason);
}

/** A process that is starting listens first. */
function stop(reason: string): void {
  stopReason ??= reason;
  if (serving === null) {
    // Without orders there is nothing to stop, and none will come.
    if (!process.connected) process.exit(EXIT.stopped);
    return;
  }
  const { bouncer, started } = serving;
  // How it ends is told by `ended`.
  void started.then((isServing) => {
    if (isServing) bouncer.drain(reason).catch(() => {});
  });
}

/** The parent's admin address asks this process. */
function adminOfParent(optionsOf: Parameters<Surroundings['admin']>[0]): Admin {
  const { operated, readiness, metrics } = optionsOf();
  link.answerFrom({ operated, readiness, metrics, clock });
  return { listen: async (place) => place, close: async () => {} };
}

function notHere(): never {
  throw new Error('Cannot read the configuration here: the parent process does');
}
