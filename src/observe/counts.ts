// Everything that is counted, room by room. Gauges are not here: they are read from what is there.

import { ClientCounts } from '../client/client-counts.ts';
import { LaneCounts } from '../lanes/lane-counts.ts';
import { TransportCounts } from '../transport/transport-counts.ts';
import { ServerCounts } from '../server/server-counts.ts';

export class Counts {
  readonly client = new ClientCounts();
  readonly lanes = new LaneCounts();
  readonly server = new ServerCounts();
  readonly transport = new TransportCounts();
  /** Failed internal checks; anything above zero is a defect worth a report. */
  readonly bugs = { total: 0 };
}
