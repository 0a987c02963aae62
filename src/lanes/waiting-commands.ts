// Hot path. Commands that wait for a server connection, in order of arrival. Promise: a slow verb and a
// quick one never wait behind each other; none waits for longer than it may.

import { Fifo } from '../base/fifo.ts';

/** A command that waits. */
export interface WaitingCommand {
  /** When it was read; monotonic ms. */
  readonly readAt: number;
}

export class WaitingCommands<Waiting extends WaitingCommand> {
  readonly quick = new Fifo<Waiting>();
  readonly slow = new Fifo<Waiting>();
  /** PUSHes that may travel together. */
  readonly pushes = new Fifo<Waiting>();

  get length(): number {
    return this.quick.length + this.slow.length + this.pushes.length;
  }

  /** PUSHes travel together no more: each waits among the quick ones, where it would be by its age. */
  ungather(): void {
    if (this.pushes.length === 0) return;
    const quick: Waiting[] = [];
    for (let next = this.quick.shift(); next !== undefined; next = this.quick.shift()) {
      quick.push(next);
    }
    let at = 0;
    for (let push = this.pushes.shift(); push !== undefined; push = this.pushes.shift()) {
      for (; at < quick.length && (quick[at] as Waiting).readAt <= push.readAt; at += 1) {
        this.quick.push(quick[at] as Waiting);
      }
      this.quick.push(push);
    }
    for (; at < quick.length; at += 1) this.quick.push(quick[at] as Waiting);
  }

  /**
   * Takes out those that were read before `instant` (monotonic ms). They wait in order of arrival, but
   * one that is sent again is older than those before it.
   */
  takeOlderThan(instant: number): Waiting[] {
    const old: Waiting[] = [];
    for (const line of [this.slow, this.quick, this.pushes]) {
      for (let left = line.length; left > 0; left -= 1) {
        const waiting = line.shift() as Waiting;
        if (waiting.readAt < instant) old.push(waiting);
        else line.push(waiting);
      }
    }
    return old;
  }
}
