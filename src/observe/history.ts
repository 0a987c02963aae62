// The last ten minutes, second by second, for a status page that is opened later. Promise: memory is
// bounded by the number of samples, and taking one allocates nothing but the sample.

/** What one sample holds; counts are the numbers at its instant. */
export interface Sample {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly clients: number;
  readonly serverConnections: number;
  readonly fetchesInFlight: number;
  readonly waitingLine: number;
  /** Clients refused since the start. */
  readonly refused: number;
}

export const HISTORY_SAMPLES_MAX = 600;

export class History {
  readonly #samples: Sample[] = [];
  /** Where the next one goes once all places are taken. */
  #next = 0;

  add(sample: Sample): void {
    if (this.#samples.length < HISTORY_SAMPLES_MAX) {
      this.#samples.push(sample);
      return;
    }
    this.#samples[this.#next] = sample;
    this.#next = (this.#next + 1) % HISTORY_SAMPLES_MAX;
  }

  /** Oldest first. */
  all(): readonly Sample[] {
    return [...this.#samples.slice(this.#next), ...this.#samples.slice(0, this.#next)];
  }
}
