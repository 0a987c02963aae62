// A pooled bouncer that knows how long Faktory works on a command: PUSHes travel together only then.

import { pushLine } from '../../session/house.ts';
import type { RunningBouncer } from '../../support/bouncer.ts';
import { until } from '../../support/waiting.ts';

/** Pushes one job to the queue `measured`. For a bouncer whose clock stands still. */
export async function isMeasured(bouncer: RunningBouncer): Promise<void> {
  const client = await bouncer.connect();
  await client.command(pushLine({ queue: 'measured' }).line);
  await until(() => bouncer.snapshot().commandLane.commandMs === 0, { what: 'a measurement' });
  client.end();
}
