// Rules about processes that leak connections: they open new ones and leave the old ones open. Pure.

import type { Crowd, Facts } from './facts.ts';
import { roomy } from './pool.ts';
import type { Finding } from './words.ts';

/** Fewer idle connections than this are a pool at rest. */
const IDLE_MIN = 20;

/** Share of a limit from which on idle connections are in the way. */
const IN_THE_WAY = 0.1;

/** One finding for each crowd that leaks. */
export function leakFindings({
  crowds,
  clients,
  serverConnections,
  mode,
}: Facts): readonly Finding[] {
  const leaking = (crowds ?? []).filter(isLeaking);
  const sound = (crowds ?? []).filter((crowd) => !isLeaking(crowd));
  const limit = mode === 'session' ? serverConnections.limit : clients.limit;
  return leaking.map((crowd) => leakOf(crowd, sound, crowd.idle >= limit * IN_THE_WAY));
}

/** At least half of its connections do nothing, and they are many. */
function isLeaking({ connections, idle }: Crowd): boolean {
  return idle >= IDLE_MIN && idle * 2 >= connections;
}

function leakOf(crowd: Crowd, sound: readonly Crowd[], isInTheWay: boolean): Finding {
  const { kind, name, whereabouts, connections, fetching, idle, grown } = crowd;
  const grows = grown !== null && grown > 0;
  const whose = kind === 'worker' ? `Worker ${name}` : `Address ${name}`;
  return {
    id: kind === 'worker' ? 'worker-leaks' : 'address-leaks',
    severity: grows ? 'problem' : isInTheWay ? 'warning' : 'note',
    subject: name,
    text: `${whose} has ${connections} connections, and ${idle} of them do nothing${grows ? `; ${grown} were added while it was watched` : ''}.`,
    why: `${fetching === 0 ? 'No connection waits' : `${fetching} of them wait`} in a FETCH. ${grows ? 'Code that connects for each job and does not disconnect does this.' : `Their pool is larger than needed, code does not disconnect, or jobs run for minutes${grown === null ? ': watch with --for 60s to see whether they grow' : ''}.`} Look at ${whereabouts}.`,
    evidence: {
      connections,
      idle,
      fetching,
      idle_commands: crowd.idleCommands,
      oldest_idle_seconds: Math.round(crowd.oldestIdleSeconds),
      ...(grown !== null && { added: grown }),
    },
    change: kind === 'worker' ? perWorker(sound) : { 'limits.idle_timeout': '5m' },
  };
}

/** A limit that leaves every other worker what it has, and half as many more. */
function perWorker(sound: readonly Crowd[]): Finding['change'] {
  const largest = Math.max(
    0,
    ...sound.filter(({ kind }) => kind === 'worker').map(({ connections }) => connections),
  );
  return { 'limits.per_worker': Math.max(IDLE_MIN, roomy(largest, 0.5)) };
}
