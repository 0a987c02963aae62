// Lines to standard output. Promise: whatever stdout is, and whatever its reader does, writing neither throws
// nor sleeps nor keeps the process from its end; lines that cannot be written are lost. pino's own destination
// tries again without end when the process exits: on a pipe whose reader has gone, or that is full.

import { constants, fstatSync, openSync, write, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { type Clock, SystemClock, type Timer } from './clock.ts';
import { Fifo } from './fifo.ts';

/** What may wait in memory for a reader that is slow; beyond it lines are dropped. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** No room for now: on a disk too, where the rest of a line must not be lost, or the next one would join it. */
const NO_ROOM: ReadonlySet<unknown> = new Set(['EAGAIN', 'EBUSY', 'ENOSPC', 'EDQUOT']);
/** After a write that found no room, and twice as long after each further one. */
const PAUSE_MS_MIN = 5;
const PAUSE_MS_MAX = 100;
/** How long a process that ends waits for room, in turns of these milliseconds. */
const LAST_TURNS = 25;
const LAST_TURN_MS = 10;

const STDOUT = 1;

/** Where lines go. `sleeps`: a write may wait for the other end, so it belongs on another thread. */
interface Output {
  readonly fd: number;
  readonly sleeps: boolean;
}

export class StdoutLines {
  readonly #clock: Clock;
  /** Null until there is a line. */
  #output: Output | null = null;
  /** Each is a line, the first one perhaps what is left of it. */
  readonly #lines = new Fifo<Buffer>();
  #waitingBytes = 0;
  #pauseMs = PAUSE_MS_MIN;
  /** For the next try; null: none is needed. */
  #pause: Timer | null = null;
  /** Whether another thread has the first line. */
  #isAway = false;
  /** Whether the reader has gone, and nothing is kept. */
  #isBroken = false;

  constructor(clock: Clock = new SystemClock()) {
    this.#clock = clock;
  }

  /** Takes a line with its end. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    if (this.#isBroken || this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) return;
    this.#lines.push(bytes);
    this.#waitingBytes += bytes.length;
    if (this.#pause === null && !this.#isAway) this.#writeAll();
  }

  #open(): Output {
    process.once('exit', () => this.#writeLast());
    return openOutput();
  }

  #writeAll(): void {
    const { fd, sleeps } = (this.#output ??= this.#open());
    for (let line = this.#lines.peek(); line !== undefined; line = this.#lines.peek()) {
      if (sleeps) {
        this.#isAway = true;
        write(fd, line, (error, bytes) => this.#cameBack(error, bytes));
        return;
      }
      if (this.#writeOnce(fd, line) === 'full') return this.#tryLater();
    }
  }

  #writeOnce(fd: number, line: Buffer): 'went' | 'full' {
    try {
      this.#wrote(writeSync(fd, line));
      return 'went';
    } catch (error) {
      return this.#failed(error);
    }
  }

  #cameBack(error: Error | null, bytes: number): void {
    this.#isAway = false;
    if (error === null) this.#wrote(bytes);
    else if (this.#failed(error) === 'full') return this.#tryLater();
    this.#writeAll();
  }

  #wrote(bytes: number): void {
    this.#pauseMs = PAUSE_MS_MIN;
    const line = this.#lines.peek();
    this.#waitingBytes -= bytes;
    if (line === undefined || bytes === line.length) this.#lines.shift();
    else this.#lines.replaceFirst(line.subarray(bytes));
  }

  /** Drops what cannot be written: one line, or all where no reader will come. */
  #failed(error: unknown): 'went' | 'full' {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (NO_ROOM.has(code)) return 'full';
    this.#isBroken = code === 'EPIPE';
    do this.#waitingBytes -= this.#lines.shift()?.length ?? 0;
    while (this.#isBroken && this.#lines.length > 0);
    return 'went';
  }

  #tryLater(): void {
    this.#pause = this.#clock.after(this.#pauseMs, () => {
      this.#pause = null;
      this.#writeAll();
    });
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS_MAX);
  }

  /** The event loop has ended. What another thread has is written by it, if there is room. */
  #writeLast(): void {
    const { fd } = (this.#output ??= openOutput());
    if (this.#isAway) this.#waitingBytes -= this.#lines.shift()?.length ?? 0;
    let turns = 0;
    for (let line = this.#lines.peek(); line !== undefined; line = this.#lines.peek()) {
      if (this.#writeOnce(fd, line) === 'went') continue;
      if (turns === LAST_TURNS) return;
      turns += 1;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_TURN_MS);
    }
  }
}

/** What can be made not to sleep is. */
function openOutput(): Output {
  // Opened again it is non-blocking for this process alone: the mode belongs to what was opened, which a
  // shell's other commands may share. A file keeps its place only where it is.
  const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    if (fstatSync(STDOUT).isFIFO() || isatty(STDOUT)) {
      const fd = openSync('/proc/self/fd/1', O_WRONLY | O_NONBLOCK | O_NOCTTY);
      return { fd, sleeps: false };
    }
  } catch {
    // Not Linux, or another user's pipe, or its reader has gone.
  }
  return { fd: STDOUT, sleeps: !becomesNonBlocking() };
}

/** Node makes a pipe or a socket non-blocking when it opens its own stream there. */
function becomesNonBlocking(): boolean {
  try {
    return process.stdout instanceof Socket && !process.stdout.isTTY;
  } catch {
    return false;
  }
}
