// What the admin address tells of a bouncer, made once for all that ask at about the same time.
// Promise: a view that took 5 ms to make is used again for 100 ms, so that many are answered in the time that
// readers may take (turns.ts). Metrics are never older than the request for them.

import type { Clock } from '../base/clock.ts';
import type { Metrics } from '../observe/prometheus.ts';
import { clientRow, worstClients } from './clients-view.ts';
import { type Crowds, crowdsOf } from './crowds-view.ts';
import type { Operated } from './operated.ts';
import { stateOf } from './state-view.ts';
import type { Client, Server, State } from './schemas.ts';
import { bounded } from './bounded.ts';
import { secondsSince, worstFirst } from './rows.ts';
import { restMs } from './share.ts';

interface View<Value> {
  readonly value: Value;
  /** Until when it is used again; monotonic ms. */
  readonly untilAt: number;
}

export class Views {
  readonly operated: Operated;
  readonly #clock: Pick<Clock, 'now' | 'wallMs'>;
  readonly #metrics: Pick<Metrics, 'render'>;
  #state: View<State> | null = null;
  #clients: View<readonly Client[]> | null = null;
  #crowds: View<Crowds> | null = null;
  #servers: View<readonly Server[]> | null = null;
  /** Rendered last; `begunAt` is monotonic ms. */
  #rendered: { readonly body: Buffer; readonly begunAt: number } | null = null;

  constructor(
    operated: Operated,
    clock: Pick<Clock, 'now' | 'wallMs'>,
    metrics: Pick<Metrics, 'render'>,
  ) {
    this.operated = operated;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  /** Something was changed on purpose: what is told next shows it. */
  forget(): void {
    this.#state = null;
    this.#clients = null;
    this.#crowds = null;
    this.#servers = null;
  }

  /**
   * All metrics as text, for a request of the instant `askedAt`, in monotonic ms: what was rendered since then
   * is for all that have asked by then. Rejects with what rendering throws.
   */
  async metrics(askedAt: number): Promise<Buffer> {
    if (this.#rendered !== null && this.#rendered.begunAt >= askedAt) return this.#rendered.body;
    const begunAt = this.#clock.now();
    // Bytes, not text: those that read slowly share them.
    const body = Buffer.from(await this.#metrics.render());
    this.#rendered = { body, begunAt };
    return body;
  }

  state(): State {
    const { operated } = this;
    this.#state = this.#fresh(this.#state, () =>
      stateOf(operated, operated.snapshot(), this.#clock.wallMs()),
    );
    return this.#state.value;
  }

  /** Worst first. */
  clients(): readonly Client[] {
    const { operated } = this;
    this.#clients = this.#fresh(this.#clients, (now) =>
      worstClients([...operated.clientFacts()].map((facts) => clientRow(facts, now))),
    );
    return this.#clients.value;
  }

  /** Worst first. */
  crowds(): Crowds {
    const { operated } = this;
    this.#crowds = this.#fresh(this.#crowds, (now) =>
      crowdsOf(
        {
          clients: operated.clientFacts(),
          servers: operated.serverFacts(),
          mode: operated.mode,
        },
        now,
      ),
    );
    return this.#crowds.value;
  }

  /** Those whose command is at Faktory for longest come first. */
  servers(): readonly Server[] {
    const { operated } = this;
    this.#servers = this.#fresh(this.#servers, (now) =>
      worstFirst(
        [...operated.serverFacts()].map((facts) => ({
          lane: facts.lane,
          state: facts.state,
          wid: bounded(facts.wid),
          outstanding: facts.outstanding,
          verb: facts.head?.verb ?? null,
          seconds: facts.head === null ? 0 : secondsSince(facts.head.since, now),
          buffered_bytes: facts.bufferedBytes,
        })),
        ({ seconds, outstanding }) => [seconds, outstanding],
        ({ lane, wid }) => `${lane} ${wid}`,
      ),
    );
    return this.#servers.value;
  }

  #fresh<Value>(last: View<Value> | null, make: (now: number) => Value): View<Value> {
    const now = this.#clock.now();
    if (last !== null && now < last.untilAt) return last;
    const value = make(now);
    const madeAt = this.#clock.now();
    return { value, untilAt: madeAt + restMs(madeAt - now) };
  }
}
