// Server-sent events: one update a second, made once for all streams. Promise: streams are few, a
// stream that does not read gets the next whole update instead of a backlog, and one that has not read
// for half a minute is cut off; without streams nothing is made.

import type { Clock, Timer } from '../base/clock.ts';

/** Far below the connections that the admin address takes, so that probes always get in. */
export const STREAMS_MAX = 16;
const TICK_MS = 1000;
/** Updates in a row that a stream may miss because it has not read the one before. */
const MISSED_MAX = 30;
/** How long browsers wait before they open a lost stream again. */
const RETRY_MS = 2000;
/** Updates take at most this share of the time: one that took 100 ms to make is followed by 2 s of rest. */
const SHARE = 20;

/** A response that becomes a stream: what is needed of node:http's. */
export interface StreamResponse {
  readonly socket: { setTimeout(ms: number): unknown } | null;
  /** Bytes that the peer has not taken. */
  readonly writableLength: number;
  writeHead(status: number): unknown;
  write(text: string): unknown;
  end(): unknown;
  destroy(): unknown;
  once(event: 'close', listener: () => void): unknown;
}

export interface EventStreamsParts {
  readonly clock: Clock;
  /** The next update, as one line of JSON. */
  readonly update: () => string;
  /** Making an update failed. */
  readonly onFailed: (error: unknown) => void;
}

export class EventStreams {
  readonly #parts: EventStreamsParts;
  /** Each stream with the updates that it has missed in a row. */
  readonly #streams = new Map<StreamResponse, number>();
  #timer: Timer | null = null;

  constructor(parts: EventStreamsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#streams.size;
  }

  get hasRoom(): boolean {
    return this.#streams.size < STREAMS_MAX;
  }

  /** Takes over a response whose headers are set: updates follow until either side closes. */
  open(response: StreamResponse): void {
    // What is silent is noticed by its missed updates.
    response.socket?.setTimeout(0);
    response.writeHead(200);
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#streams.set(response, 0);
    response.once('close', () => this.#streams.delete(response));
    const first = this.#frame();
    if (first === null) response.end();
    else response.write(first);
    this.#schedule(TICK_MS);
  }

  /** Ends all streams. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const response of this.#streams.keys()) response.end();
  }

  #schedule(afterMs: number): void {
    this.#timer ??= this.#parts.clock.after(afterMs, () => {
      this.#timer = null;
      this.#tick();
    });
  }

  #tick(): void {
    if (this.#streams.size === 0) return;
    const startedAt = this.#parts.clock.now();
    const frame = this.#frame();
    if (frame !== null) for (const response of this.#streams.keys()) this.#tell(response, frame);
    this.#schedule(Math.max(TICK_MS, (this.#parts.clock.now() - startedAt) * SHARE));
  }

  #tell(response: StreamResponse, frame: string): void {
    if (response.writableLength === 0) {
      response.write(frame);
      this.#streams.set(response, 0);
      return;
    }
    const missed = (this.#streams.get(response) ?? 0) + 1;
    this.#streams.set(response, missed);
    if (missed > MISSED_MAX) response.destroy();
  }

  #frame(): string | null {
    try {
      return `event: update\ndata: ${this.#parts.update()}\n\n`;
    } catch (error) {
      this.#parts.onFailed(error);
      return null;
    }
  }
}
