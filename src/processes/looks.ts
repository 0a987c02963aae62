// What each process told last. Promise: each is asked one such question at a time; one that does not answer is
// waited for once, is asked again until it answers or ends, and is told as it was meanwhile; that it has not
// answered for about half a minute is told once.

import type { Child } from './child.ts';
import type { Look } from './messages.ts';

/** What is needed of a process. */
export type Asked = Pick<Child, 'index' | 'isListening' | 'ask'>;

export interface LooksParts {
  readonly serving: () => readonly Asked[];
  /** The process has not answered for about half a minute. Told once. */
  readonly onSilent: (index: number) => void;
  /** A process that nobody waited for has answered again. */
  readonly onBack: () => void;
}

/** One process. */
interface Watched {
  readonly child: Asked;
  /** Null: it has not answered yet. */
  told: Look | null;
  /** Questions in a row that it has not answered. */
  missed: number;
  /** Resolves when the question that is out has its answer, or gets none. */
  asking: Promise<void> | null;
}

/** What one process told; `isSilent`: it has not answered the last question. */
export interface Told {
  readonly index: number;
  readonly look: Look | null;
  readonly isSilent: boolean;
}

/** Questions in a row, each of which is waited for. */
const SILENT_LOOKS = 15;

export class Looks {
  readonly #parts: LooksParts;
  readonly #watched = new Map<number, Watched>();

  constructor(parts: LooksParts) {
    this.#parts = parts;
  }

  /** Of each process that has answered, or was asked in vain. */
  get told(): readonly Told[] {
    return [...this.#watched]
      .filter(([, { told, missed }]) => told !== null || missed > 0)
      .map(([index, { told, missed }]) => ({ index, look: told, isSilent: missed > 0 }));
  }

  isSilent(index: number): boolean {
    return (this.#watched.get(index)?.missed ?? 0) > 0;
  }

  /** Asks every process; resolves when those that are known to answer have, or have not in time. */
  async look(): Promise<void> {
    await Promise.all(
      this.#parts.serving().map((child) => {
        const watched = this.#watchedFor(child);
        watched.asking ??= this.#ask(watched);
        return watched.missed > 0 ? Promise.resolve() : watched.asking;
      }),
    );
  }

  /** The process is gone. Returns what it told last; null: nothing. */
  ended(index: number): Look | null {
    const look = this.#watched.get(index)?.told ?? null;
    this.#watched.delete(index);
    return look;
  }

  #watchedFor(child: Asked): Watched {
    const known = this.#watched.get(child.index);
    if (known !== undefined) return known;
    const watched: Watched = { child, told: null, missed: 0, asking: null };
    this.#watched.set(child.index, watched);
    return watched;
  }

  async #ask(watched: Watched): Promise<void> {
    const { child } = watched;
    const look = await child.ask({ kind: 'look' });
    watched.asking = null;
    // One that has ended meanwhile is counted by its end.
    if (!child.isListening) return;
    if (look !== null) {
      const isBack = watched.missed > 0;
      watched.told = look;
      watched.missed = 0;
      if (isBack) this.#parts.onBack();
      return;
    }
    watched.missed += 1;
    if (watched.missed === SILENT_LOOKS) this.#parts.onSilent(child.index);
    watched.asking = this.#ask(watched);
  }
}
