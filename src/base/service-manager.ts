// Tells a service manager what the process is doing, by systemd's protocol (sd_notify(3)). Promise:
// telling never blocks and never fails; without a service manager nothing is started.
//
// Node cannot send the Unix datagrams of that protocol. A shell that is started once reads lines from a
// pipe and runs systemd-notify for each. Starting a process for each message would stop the event loop
// for 2 to 16 ms, the more the larger the process is.

import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import type { Clock } from './clock.ts';

/** `--no-block`: otherwise systemd-notify waits for systemd for up to 5 s. */
const SCRIPT = 'while IFS= read -r line; do systemd-notify --no-block "$line"; done';
const STATUS_INTERVAL_MS = 10_000;
/** Bytes that the helper has not read, beyond which nothing is said. */
const UNREAD_MAX = 4096;

/** The variables that a service manager sets. */
export interface ManagerVariables {
  /** Where messages go; absent: there is no service manager. */
  readonly NOTIFY_SOCKET?: string | undefined;
  /** It restarts a process that is silent for so many microseconds. */
  readonly WATCHDOG_USEC?: string | undefined;
  /** The process that it watches. */
  readonly WATCHDOG_PID?: string | undefined;
  readonly PATH?: string | undefined;
}

export interface ServiceManager {
  /** The process serves. From now on `status` is asked now and then, and reloads are told. */
  ready(status: () => string): void;
  /** A reload has begun; it ends with reloaded(). */
  reloading(): void;
  reloaded(): void;
  /** The process stops. */
  stopping(): void;
}

/** The service manager that `variables` name; one that does nothing where they name none. */
export function serviceManager(
  variables: ManagerVariables,
  clock: Clock,
  pid: number,
): ServiceManager {
  if (variables.NOTIFY_SOCKET === undefined || variables.NOTIFY_SOCKET === '') return SILENT;
  const { NOTIFY_SOCKET, PATH } = variables;
  const child = spawn('/bin/sh', ['-c', SCRIPT], {
    // Nothing else of the environment: it may hold secrets.
    env: { NOTIFY_SOCKET, PATH: PATH ?? '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  return new Systemd(child.stdin, clock, watchdogMs(variables, pid));
}

/** That of a process without a service manager. */
export const SILENT: ServiceManager = {
  ready: () => {},
  reloading: () => {},
  reloaded: () => {},
  stopping: () => {},
};

class Systemd implements ServiceManager {
  readonly #pipe: Writable;
  readonly #clock: Clock;
  /** What was said last of it; a reload is part of running. */
  #life: 'starting' | 'running' | 'stopping' = 'starting';

  constructor(pipe: Writable, clock: Clock, pingEachMs: number | null) {
    this.#pipe = pipe;
    this.#clock = clock;
    if (pingEachMs !== null) this.#ping(pingEachMs);
  }

  ready(status: () => string): void {
    if (this.#life !== 'starting') return;
    this.#life = 'running';
    this.#say('READY=1');
    this.#sayStatus(status);
  }

  reloading(): void {
    if (this.#life === 'running') this.#say('RELOADING=1');
  }

  reloaded(): void {
    if (this.#life === 'running') this.#say('READY=1');
  }

  stopping(): void {
    this.#life = 'stopping';
    this.#say('STOPPING=1');
  }

  /** A process whose event loop hangs stays silent. */
  #ping(eachMs: number): void {
    this.#say('WATCHDOG=1');
    this.#clock.after(eachMs, () => this.#ping(eachMs));
  }

  #sayStatus(status: () => string): void {
    this.#say(`STATUS=${status()}`);
    this.#clock.after(STATUS_INTERVAL_MS, () => this.#sayStatus(status));
  }

  /** A helper that has died, or does not read, is not worth a word: the process goes on without it. */
  #say(line: string): void {
    if (this.#pipe.writable && this.#pipe.writableLength < UNREAD_MAX)
      this.#pipe.write(`${line}\n`);
  }
}

/** How often to ping: half of what the manager allows, as sd_watchdog_enabled(3) advises. */
function watchdogMs({ WATCHDOG_USEC, WATCHDOG_PID }: ManagerVariables, pid: number): number | null {
  const microseconds = Number(WATCHDOG_USEC);
  if (!Number.isInteger(microseconds) || microseconds <= 0) return null;
  if (WATCHDOG_PID !== undefined && WATCHDOG_PID !== String(pid)) return null;
  return microseconds / 2000;
}
