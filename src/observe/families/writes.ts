// Metrics about what an acknowledgement means: whether Faktory is sound, what waits until it is, and what
// was not believed.

import { WRITE_STATES } from '../../server/write-health.ts';
import { byLabel, counter, counterBy, type Family, gauge, labelledGauge } from './family.ts';
import { METRIC_PREFIX } from './family.ts';

const probesTotal: Family = {
  name: `${METRIC_PREFIX}write_probes_total`,
  help: 'Probes that asked Faktory whether its Redis takes writes, by what became of them.',
  type: 'counter',
  read: ({ counts }) => byLabel('outcome', counts.server.probes.values),
};

export const WRITE_FAMILIES: readonly Family[] = [
  labelledGauge(
    'write_state',
    '1 for what Faktory is now: sound (an acknowledgement means that a job is stored), suspect (it or its Redis does not answer) or refusing (Redis refuses writes).',
    ({ snapshot }) =>
      WRITE_STATES.map((state) => ({
        labels: { state },
        value: snapshot.writes.state === state ? 1 : 0,
      })),
  ),
  gauge(
    'writes_held',
    'PUSH, PUSHB and FAIL that wait until Faktory is sound.',
    ({ snapshot }) => snapshot.writes.held,
  ),
  counter(
    'writes_held_total',
    'PUSH, PUSHB and FAIL that had to wait because Faktory was not sound.',
    ({ counts }) => counts.lanes.writesHeld.total,
  ),
  counterBy(
    'writes_refused_total',
    'PUSH, PUSHB and FAIL that were refused after pool.outage_wait, by the state of Faktory.',
    'state',
    (counts) => counts.lanes.writesRefused,
  ),
  counterBy(
    'late_replies_total',
    'Acknowledgements that took longer than the Redis timeout of Faktory (3 s), so that the job may be lost, by verb.',
    'verb',
    (counts) => counts.lanes.lateReplies,
  ),
  probesTotal,
];
