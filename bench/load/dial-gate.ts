// Bounds how many dials are outstanding at once, so that a ramp of thousands measures the server and
// not the listen backlog of the machine. Promise: first come, first served.

export class DialGate {
  readonly #outstandingMax: number;
  #outstanding = 0;
  #waiting: (() => void)[] = [];
  #next = 0;

  constructor(outstandingMax: number) {
    this.#outstandingMax = outstandingMax;
  }

  /** Calls `dial` now or when there is room; whoever dialled calls `leave` once. */
  enter(dial: () => void): void {
    if (this.#outstanding < this.#outstandingMax) {
      this.#outstanding += 1;
      dial();
    } else {
      this.#waiting.push(dial);
    }
  }

  leave(): void {
    this.#outstanding -= 1;
    const dial = this.#waiting[this.#next];
    if (dial === undefined) return;
    this.#next += 1;
    if (this.#next === this.#waiting.length) {
      this.#waiting = [];
      this.#next = 0;
    }
    this.#outstanding += 1;
    dial();
  }
}
