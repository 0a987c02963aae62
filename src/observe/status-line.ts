// What a service manager shows of a bouncer: one line of text. Pure.

import { SERVER_STATES } from '../server/server-states.ts';
import { clientsIn } from './families/clients.ts';
import { serversIn } from './families/servers.ts';
import type { Snapshot } from './snapshot.ts';

/** Connections with their limits, who waits, and what is wrong, if anything is. */
export function statusLine(snapshot: Snapshot): string {
  const { limits, waitingLine, faktory, draining, processes } = snapshot;
  const waiting = waitingLine.length.producer + waitingLine.length.worker;
  const facts = [
    `${clientsIn(snapshot)} of ${limits.clients} clients`,
    `${serversIn(snapshot, SERVER_STATES)} of ${limits.serverConnections} server connections`,
    `${waiting} clients wait`,
  ];
  if (draining) facts.push('draining');
  else if (!faktory.up) facts.push('Faktory is unreachable');
  if (processes.silent > 0)
    facts.push(`${processes.silent} of ${processes.listening} processes do not answer`);
  return facts.join(', ');
}
