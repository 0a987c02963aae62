// Hot path. Which server connection the command lane's next command takes, by what else waits. Promise:
// one that Faktory has ended is never named; a slow verb, and PUSHes that go together, get a connection
// to themselves however many quick ones there are; nothing goes anywhere while the bouncer is paused.

import { MEANING } from '../protocol/verbs.ts';
import type { Pause } from '../server/pause.ts';
import type { ServerConnection } from '../server/server-connection.ts';
import type { Seat } from './command-connections.ts';
import type { CommandServers } from './command-servers.ts';
import type { LaneCommand } from './lane-command.ts';
import type { MeasuredWidth } from './measured-width.ts';
import type { WaitingCommands } from './waiting-commands.ts';

/**
 * PUSHBs outstanding at once, made of several clients' PUSHes: Faktory works off the jobs of each one
 * after another, with a round trip to Redis for each. Measured with 200 and 2000 clients, thousand
 * PUSHes per second: with 2 29, 28; with 4 30, 31; with 8 35, 38; with 16 37, 35.
 */
const BULKS_MAX = 8;

export class CommandRoom {
  readonly #servers: CommandServers;
  readonly #width: MeasuredWidth;
  readonly #waiting: WaitingCommands<LaneCommand>;
  readonly #pause: Pause;

  constructor(
    servers: CommandServers,
    width: MeasuredWidth,
    waiting: WaitingCommands<LaneCommand>,
    pause: Pause,
  ) {
    this.#pause = pause;
    this.#servers = servers;
    this.#width = width;
    this.#waiting = waiting;
  }

  /** Where `command` may go now; null: nowhere yet. */
  for(command: LaneCommand): Seat<ServerConnection> | null {
    if (this.#pause.isPaused) return null;
    for (;;) {
      const seat = this.#find(command);
      // One that Faktory has ended is found here at the latest: 'close' comes a turn later.
      if (seat === null || seat.server.state === 'open') return seat;
      this.#servers.drop(seat);
    }
  }

  /** How many connections are free for PUSHes that go together. */
  forBulks(): number {
    if (this.#pause.isPaused) return 0;
    const { lists } = this.#servers;
    const most = Math.min(BULKS_MAX, lists.slowMax) - lists.alone('bulk');
    this.#servers.dropDead();
    const idle = lists.idleForAlone(this.#width.placing);
    return this.#width.isWide ? idle : Math.min(most, idle);
  }

  #find({ verb, line, readAt }: LaneCommand): Seat<ServerConnection> | null {
    const { lists } = this.#servers;
    const { placing, isWide } = this.#width;
    const { pace, redis } = MEANING[verb];
    if (pace === 'slow') return this.#maySendSlow() ? lists.roomForAlone(placing) : null;
    if (redis === 'untouched') return lists.roomForMemory(placing);
    // Where each command has a connection to itself, one becomes idle soon: none is kept.
    if (isWide) return lists.roomForQuick(placing, line.length);
    return lists.roomForQuick(
      placing,
      line.length,
      this.#mustGather(readAt) ? lists.keptForBulk() : null,
      this.#waiting.slow.length > 0 && this.#maySendSlow() ? lists.keptForSlow() : null,
    );
  }

  #maySendSlow(): boolean {
    const { lists } = this.#servers;
    return lists.alone('slow') < lists.slowMax;
  }

  /** PUSHes wait to go together. Not from what has waited longer: it would be kept away without end. */
  #mustGather(readAt: number): boolean {
    const push = this.#waiting.pushes.peek();
    return push !== undefined && push.readAt <= readAt && this.#servers.lists.alone('bulk') === 0;
  }
}
