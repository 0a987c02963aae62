// How long the bouncer's own connection may owe an answer before Faktory is dialled again to find out.
// Pure. Promise: short at first; after a dial that found Faktory well it doubles, up to a minute, so that
// an INFO that is slow by nature is answered in the end.

const SHORT_MS = 5000;
const LONG_MS = 60_000;

export class Patience {
  #ms = SHORT_MS;
  /** A connection was given up, and it is not known yet whether Faktory hangs. */
  #hasGivenUp = false;

  /** Milliseconds. */
  get ms(): number {
    return this.#ms;
  }

  /** The connection was given up for its silence. */
  gaveUp(): void {
    this.#hasGivenUp = true;
  }

  /** A dial has failed: the silence meant something. */
  dialFailed(): void {
    this.#hasGivenUp = false;
    this.#ms = SHORT_MS;
  }

  /** A dial has succeeded: Faktory lives, and was slow or had lost the connection. */
  opened(): void {
    if (this.#hasGivenUp) this.#ms = Math.min(LONG_MS, this.#ms * 2);
    this.#hasGivenUp = false;
  }

  /** Faktory took `tookMs` to answer. */
  answered(tookMs: number): void {
    if (tookMs < SHORT_MS) this.#ms = SHORT_MS;
  }
}
