// A client's command on its way through the command lane.

import type { Command } from '../protocol/command.ts';

/** A command whose client may have left. */
export interface LaneCommand extends Command {
  /** False once its client has left: no client reads the reply. */
  readonly isWanted: boolean;
  /** Whether it is a PUSH that may become part of a PUSHB. */
  mayShare: boolean;
  /** Two PUSHes with the same mark above 0 may have the same jid (protocol/bulk-mark.ts). */
  readonly bulkMark: number;
  /** It is about to be sent; true if that must wait: it takes care of itself until then. */
  holdsBack(): boolean;
  /** It could not be sent within outage_wait: Faktory has not seen it. */
  expired(): void;
  /** It may have been executed, or its reply was cut. */
  outcomeUnknown(): void;
  /** A defect was met on its way: its client's connection ends. */
  broke(): void;
}
