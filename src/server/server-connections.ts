// All connections to Faktory. Promise: each one that exists is in one set, from its place to its
// end, so every count of them is the size of what is there.

import type { Command } from '../protocol/command.ts';
import { ServerConnection, type ServerOptions } from './server-connection.ts';
import type { ServerFacts } from './server-facts.ts';
import type { ServerParts } from './server-parts.ts';
import { LANES, SERVER_STATES, type LaneName, type ServerState } from './server-states.ts';

export class ServerConnections {
  readonly #parts: ServerParts;
  readonly #all = new Set<ServerConnection>();

  constructor(parts: Omit<ServerParts, 'forget'>) {
    const all: Set<object> = this.#all;
    this.#parts = { ...parts, forget: (connection) => all.delete(connection) };
  }

  get size(): number {
    return this.#all.size;
  }

  /** Makes a connection that holds `options.place`, and asks for its dial. */
  open(options: ServerOptions): ServerConnection {
    const connection = new ServerConnection(this.#parts, options);
    this.#all.add(connection);
    connection.open();
    return connection;
  }

  /** For how long the PUSH, ACK or FAIL that is longest at Faktory has been there, at `now` (monotonic ms). */
  oldestUnansweredMs(now: number): number {
    let oldestMs = 0;
    for (const { head } of this.#all) {
      if (head === null) continue;
      const { verb, since } = head;
      if (verb === 'PUSH' || verb === 'ACK' || verb === 'FAIL') {
        oldestMs = Math.max(oldestMs, now - since);
      }
    }
    return oldestMs;
  }

  /** Gives up those that have owed an answer that is due within seconds since `since` (monotonic ms); how many. */
  giveUpSilent(since: number): number {
    let count = 0;
    for (const connection of [...this.#all]) {
      if (!connection.isSilent(since)) continue;
      connection.destroy('unanswered');
      count += 1;
    }
    return count;
  }

  /**
   * Of those that have not been heard from since `heardBy`, gives up any that has owed an answer that is due
   * within seconds since `owedSince`, or any other since `anySince` (all monotonic ms), and those of the command
   * lane that wait for the next command. Those of a worker and of a single client wait on: their clients would
   * lose more than time.
   */
  giveUpDoubted(heardBy: number, owedSince: number, anySince: number): void {
    for (const connection of [...this.#all]) {
      if (connection.heardAt >= heardBy) continue;
      const isLost = connection.isSilent(owedSince) || connection.owesSince(anySince);
      if (isLost) connection.destroy('unanswered');
      else if (connection.lane === 'command' && connection.isIdle) connection.close('unanswered');
    }
  }

  /** Commands at Faktory, or on their way there. */
  *atFaktory(): Generator<Command, void, undefined> {
    for (const connection of this.#all) yield* connection.commands();
  }

  closeAll(): void {
    // One that is closed before its dial ends at once, and its owner may open another.
    for (const connection of [...this.#all]) connection.close('stopped');
  }

  destroyAll(): void {
    for (const connection of [...this.#all]) connection.destroy('stopped');
  }

  /** What there is to tell of each that exists. */
  *facts(): Generator<ServerFacts, void, undefined> {
    for (const connection of this.#all) yield connection.describe();
  }

  counts(): Record<LaneName, Record<ServerState, number>> {
    const counts = {} as Record<LaneName, Record<ServerState, number>>;
    for (const lane of LANES) {
      counts[lane] = {} as Record<ServerState, number>;
      for (const state of SERVER_STATES) counts[lane][state] = 0;
    }
    for (const connection of this.#all) counts[connection.lane][connection.state] += 1;
    return counts;
  }
}
