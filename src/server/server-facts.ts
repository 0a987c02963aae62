// What there is to tell of one connection to Faktory. Promise: it is read from the live connection at
// the moment of the call.

import type { Head } from './pipeline.ts';
import type { LaneName, ServerState } from './server-states.ts';

export interface ServerFacts {
  readonly lane: LaneName;
  readonly state: ServerState;
  /** In whose name it speaks; empty for nobody's. */
  readonly wid: string;
  /** Commands sent and not answered to the end. */
  readonly outstanding: number;
  /** The oldest of them that Faktory has begun with; null if it owes no answer. */
  readonly head: Head | null;
  /** Bytes that the network has not taken, and of replies that are being put together. */
  readonly bufferedBytes: number;
}
