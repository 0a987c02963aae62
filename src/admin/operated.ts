// A bouncer as the admin address sees it. Promise: everything that HTTP can read or cause is one of
// these methods; what is null does not exist in this bouncer, and is answered with 501.

import type { ClientChoice, ClientFacts } from '../client/client-facts.ts';
import type { Counts } from '../observe/counts.ts';
import type { History } from '../observe/history.ts';
import type { Snapshot } from '../observe/snapshot.ts';
import type { ServerFacts } from '../server/server-facts.ts';

export interface Operated {
  readonly version: string;
  readonly mode: Snapshot['mode'];
  readonly counts: Counts;
  readonly history: History;
  readonly reloading: Reloading | null;
  readonly pausing: Pausing | null;
  /**
   * Brings what other processes know, for what the methods below return: `rows` with each connection.
   * Absent: it is all known here.
   */
  readonly bring?: (what: 'figures' | 'rows') => Promise<void>;
  snapshot(): Snapshot;
  clientFacts(): Iterable<ClientFacts>;
  serverFacts(): Iterable<ServerFacts>;
  /** Every option; secrets are hidden. */
  options(): readonly OptionFacts[];
  /** Ends the clients that `choice` means; how many. */
  disconnect(choice: ClientChoice): number | Promise<number>;
  /** Stops in good order; resolves when nothing is left. */
  drain(reason: string): Promise<void>;
}

/** As an operator writes it. */
export type OptionValue = string | number | boolean | readonly string[];

/** One option of the configuration in force. */
export interface OptionFacts {
  readonly key: string;
  readonly value: OptionValue;
  readonly fallback: OptionValue;
  readonly reloadable: boolean;
}

/** What reads the configuration again. */
export interface Reloading {
  reload(): Promise<ReloadResult>;
}

/** What a reload came to; no text holds a secret. */
export type ReloadResult =
  | {
      readonly kind: 'applied';
      /** Options whose new value is in force, and FAKTORY_PASSWORD. */
      readonly changed: readonly string[];
      /** Options that differ, and keep their running values until a restart. */
      readonly needRestart: readonly string[];
      readonly warnings: readonly string[];
    }
  | {
      /** Nothing has changed. */
      readonly kind: 'refused';
      readonly problems: readonly string[];
      readonly warnings: readonly string[];
    };

/** What holds commands back from Faktory. */
export interface Pausing {
  readonly isPaused: boolean;
  pause(): void | Promise<void>;
  resume(): void | Promise<void>;
}
