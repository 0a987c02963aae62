// What there is to say about bouncers. Pure. Promise: the same facts give the same findings in the same order,
// the worst first.

import { CONNECTION_RULES } from './connection-rules.ts';
import type { Facts } from './facts.ts';
import { FLIGHT_RULES } from './flight-rules.ts';
import { leakFindings } from './leak-rules.ts';
import { redisPoolOf } from './pool.ts';
import { type Finding, SEVERITIES } from './words.ts';

/** About one bouncer. */
export function findingsFor(facts: Facts): readonly Finding[] {
  const found = [...CONNECTION_RULES, ...FLIGHT_RULES].flatMap((rule) => rule(facts) ?? []);
  return ordered([...found, ...leakFindings(facts)]);
}

/** About several bouncers in front of one Faktory. */
export function findingsForAll(all: readonly Facts[]): readonly Finding[] {
  const alone = all.filter(({ isShared }) => !isShared);
  const sum = alone.reduce((total, { serverConnections }) => total + serverConnections.limit, 0);
  const pool = Math.min(...all.map(({ version }) => redisPoolOf(version)));
  if (alone.length < 2 || sum <= pool) return [];
  return [
    {
      id: 'bouncers-over-pool',
      severity: 'warning',
      subject: '',
      text: `${alone.length} bouncers may open ${sum} connections together, and Faktory's Redis pool has ${pool}.`,
      why: 'If they are in front of one Faktory, divide limits.server_connections among them, or share it: see docs/scale.md.',
      evidence: { bouncers: alone.length, limits: sum, redis_pool: pool },
      change: {},
    },
  ];
}

function ordered(findings: readonly Finding[]): readonly Finding[] {
  const rank = ({ severity }: Finding): number => SEVERITIES.indexOf(severity);
  const name = ({ id, subject }: Finding): string => `${id} ${subject}`;
  return findings.toSorted(
    (one, other) => rank(one) - rank(other) || (name(one) < name(other) ? -1 : 1),
  );
}
