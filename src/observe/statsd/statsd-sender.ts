// Measurements as packets, through hot-shots. Promise: a packet holds 1432 bytes at most, which one
// Ethernet frame carries, unless a single line is longer; sending never throws and never waits.

import { isIP } from 'node:net';
import { type ClientOptions, StatsD } from 'hot-shots';
import type { Clock } from '../../base/clock.ts';
import { CachedLookup } from './cached-lookup.ts';
import type { Measurement } from './measurement.ts';
import { openUnixDatagrams } from './unix-datagrams.ts';

/** Where the receiver is. */
export type StatsdTarget =
  | { readonly kind: 'udp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export interface SenderParts {
  readonly target: StatsdTarget;
  /** On every measurement: `name:value`. */
  readonly tags: readonly string[];
  readonly clock: Clock;
  /** For each packet that could not be sent. */
  readonly onError: (error: Error) => void;
}

const PACKET_BYTES_MAX = 1432;
/** hot-shots' own flush; each report is flushed when it is complete. */
const FLUSH_INTERVAL_MS = 60_000;

export class StatsdSender {
  readonly #client: StatsD;
  readonly #failures: Failures;

  /** Rejects with an Error that says what to do where this machine cannot send to the target. */
  static async open(parts: SenderParts): Promise<StatsdSender> {
    const failures = new Failures(parts.onError);
    const transport = await transportTo({ ...parts, onError: failures.add });
    return new StatsdSender(parts, transport, failures);
  }

  private constructor({ tags }: SenderParts, transport: ClientOptions, failures: Failures) {
    this.#failures = failures;
    this.#client = new StatsD({
      ...transport,
      globalTags: [...tags],
      maxBufferSize: PACKET_BYTES_MAX,
      bufferFlushInterval: FLUSH_INTERVAL_MS,
      includeDatadogTelemetry: false,
      errorHandler: failures.add,
    });
  }

  /** Resolves with whether the system has taken every packet, once it has taken or refused the last one. */
  send(measurements: readonly Measurement[]): Promise<boolean> {
    const failuresBefore = this.#failures.total;
    for (const { name, type, value, tags } of measurements) {
      if (type === 'gauge') this.#client.gauge(name, value, tags);
      else if (type === 'count') this.#client.increment(name, value, tags);
      else this.#client.timing(name, value, tags);
    }
    // Packets come to their end in the order in which they were sent.
    return new Promise((resolve) => {
      this.#client.flush((error) => {
        if (error) this.#failures.add(error);
        resolve(this.#failures.total === failuresBefore);
      });
    });
  }

  /** Resolves when what was sent is on its way, after about half a second at most. */
  close(): Promise<void> {
    return new Promise((resolve) => this.#client.close(() => resolve()));
  }
}

/** Packets that were not sent. */
class Failures {
  readonly #onError: (error: Error) => void;
  total = 0;

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
  }

  readonly add = (error: Error): void => {
    this.total += 1;
    this.#onError(error);
  };
}

async function transportTo({ target, clock, onError }: SenderParts): Promise<ClientOptions> {
  if (target.kind === 'unix') {
    const stream = await openUnixDatagrams({ path: target.path, onError });
    return { protocol: 'stream', stream };
  }
  const { host, port } = target;
  if (isIP(host) !== 0) return { protocol: 'udp', host, port };
  const names = new CachedLookup(() => clock.now());
  return {
    protocol: 'udp',
    host,
    port,
    udpSocketOptions: {
      type: 'udp4',
      lookup: (name, _options, callback) => names.lookup(name, callback),
    },
  };
}
