// Hot path. The client's own end, as the bouncer treats it. Promise: no more is read than the bounds
// allow, for this client and for all together, and reading goes on as soon as they allow it again;
// whoever takes no replies is known to.

import type { Wire } from '../base/wire.ts';
import type { BudgetMember, BufferBudget } from './buffer-budget.ts';

export class ClientPeer implements BudgetMember {
  readonly #wire: Wire;
  readonly #budget: BufferBudget;
  #takesReplies = true;
  /** What the budget knows of; most clients hold nothing at most times. */
  #heldBytes = 0;

  constructor(wire: Wire, budget: BufferBudget) {
    this.#wire = wire;
    this.#budget = budget;
  }

  /** Whether the network has room for what is told. */
  get takesReplies(): boolean {
    return this.#takesReplies;
  }

  /** Whether everybody else waits for this client to go on. */
  get holdsUpOthers(): boolean {
    return this.#budget.holdsUpOthers(this);
  }

  /** Says `bytes`; false where the client takes no more for now. */
  tell(bytes: Buffer): boolean {
    if (!this.#wire.write(bytes)) this.#takesReplies = false;
    return this.#takesReplies;
  }

  /** What was said has been taken, or will never be; false where there was room anyway. */
  drained(): boolean {
    if (this.#takesReplies) return false;
    this.#takesReplies = true;
    return true;
  }

  /**
   * Reads on, or pauses. `isAhead`: more has come than is taken up before replies have gone out;
   * `heldBytes`: what the client has sent and holds in the bouncer's memory.
   */
  regulate(isAhead: boolean, heldBytes: number): void {
    if (isAhead) this.#wire.pause('read_ahead');
    else this.#wire.resume('read_ahead');
    if (heldBytes === 0 && this.#heldBytes === 0) return;
    this.#heldBytes = heldBytes;
    if (this.#budget.hold(this, heldBytes)) this.#wire.resume('budget');
    else this.#wire.pause('budget');
  }

  resumeReading(): void {
    this.#wire.resume('budget');
  }

  /** The client holds nothing any more. */
  release(): void {
    this.#heldBytes = 0;
    this.#budget.leave(this);
  }
}
