// Reports when files have changed. Promise: a change is reported once its bytes have stopped changing, however
// it was made: written in place, renamed over, or by the symlink swap of a Kubernetes ConfigMap; events
// only hasten the next look, so a storm of them costs no more than a look per SETTLE_MS, and a change
// without an event is seen by the poll.

import { createHash } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Clock, Timer } from './clock.ts';

/** Between two looks: a file that is the same in both is not being written. */
const SETTLE_MS = 500;
/** Some file systems (NFS, a few container mounts) have no events. */
const POLL_MS = 10_000;
/** Of a larger file, only the size and the time of its last change are compared. */
const COMPARED_BYTES_MAX = 1024 * 1024;

export interface FileWatchParts {
  readonly clock: Clock;
  /** The files are not what they were. */
  readonly changed: () => void;
}

/** What is known of the files while they are watched. */
interface Watching {
  readonly files: readonly string[];
  readonly watchers: FSWatcher[];
  /** What was told last, or found first; null before the first look. */
  known: string | null;
  /** What the last look found. */
  last: string | null;
  /** The next look; null during one. */
  timer: Timer | null;
  /** An event has come since the last look began. */
  isStirred: boolean;
}

export class FileWatch {
  readonly #parts: FileWatchParts;
  #watching: Watching | null = null;

  constructor(parts: FileWatchParts) {
    this.#parts = parts;
  }

  /**
   * Watches `files`, absolute or relative, and no others from now on; those of one directory share its
   * watch. Idempotent. What is there at the start is not a change.
   */
  start(files: readonly string[]): void {
    if (isDeepStrictEqual(this.#watching?.files, files)) return;
    this.stop();
    if (files.length === 0) return;
    const watching: Watching = {
      files,
      watchers: [],
      known: null,
      last: null,
      timer: null,
      isStirred: false,
    };
    this.#watching = watching;
    for (const directory of new Set(files.map((file) => dirname(file)))) {
      this.#watch(watching, directory);
    }
    void this.#look(watching);
  }

  /** Idempotent. */
  stop(): void {
    this.#watching?.timer?.cancel();
    for (const watcher of this.#watching?.watchers ?? []) watcher.close();
    this.#watching = null;
  }

  /** The directory, since a file that is replaced takes its own watch with it. */
  #watch(watching: Watching, directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#stir(watching));
      // The directory is gone: the poll goes on.
      watcher.on('error', () => watcher.close());
      watching.watchers.push(watcher);
    } catch {
      // The machine has no watch left, or there is no such directory: the poll sees a change too.
    }
  }

  #stir(watching: Watching): void {
    if (watching.isStirred) return;
    watching.isStirred = true;
    if (watching.timer !== null) this.#lookIn(watching, SETTLE_MS);
  }

  #lookIn(watching: Watching, ms: number): void {
    watching.timer?.cancel();
    watching.timer = this.#parts.clock.after(ms, () => void this.#look(watching));
  }

  async #look(watching: Watching): Promise<void> {
    watching.timer = null;
    watching.isStirred = false;
    const found = (await Promise.all(watching.files.map(fingerprint))).join(' ');
    if (this.#watching !== watching) return;
    watching.known ??= found;
    const isNew = found !== watching.known;
    const hasSettled = isNew && found === watching.last;
    watching.last = found;
    if (hasSettled) watching.known = found;
    this.#lookIn(watching, watching.isStirred || (isNew && !hasSettled) ? SETTLE_MS : POLL_MS);
    if (hasSettled) this.#parts.changed();
  }
}

/** Equal for equal contents; for a file that cannot be read, the reason. Never waits for a pipe. */
async function fingerprint(path: string): Promise<string> {
  try {
    const facts = await stat(path);
    if (!facts.isFile()) return 'not a file';
    if (facts.size > COMPARED_BYTES_MAX) return `${facts.size}@${facts.mtimeMs}`;
    return createHash('sha256')
      .update(await readFile(path))
      .digest('hex');
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
  }
}
