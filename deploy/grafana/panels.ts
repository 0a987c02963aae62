// What the dashboard shows, as data. Promise: every query reads the bouncers that the reader chose, and
// nothing here knows Grafana's JSON.

export interface Query {
  readonly expr: string;
  /** Grafana's template over the labels. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  readonly about: string;
  /** Grafana's id of a unit. */
  readonly unit: 'short' | 's' | 'percentunit' | 'ops' | 'Bps' | 'bytes';
  readonly kind: 'stat' | 'graph';
  readonly queries: readonly Query[];
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

/** The chosen bouncers; for the braces of each selector. */
const CHOSEN = 'instance=~"$instance"';

/** `faktory_bouncer_NAME{instance=…, labels}`. */
function metric(name: string, labels = ''): string {
  return `faktory_bouncer_${name}{${CHOSEN}${labels === '' ? '' : `, ${labels}`}}`;
}

function rate(name: string, labels = ''): string {
  return `rate(${metric(name, labels)}[$__rate_interval])`;
}

function sumBy(label: string, inner: string): string {
  return `sum by (${label}) (${inner})`;
}

function quantile(share: number, name: string, by = '', labels = ''): string {
  const labelsKept = by === '' ? 'le' : `le, ${by}`;
  return `histogram_quantile(${share}, ${sumBy(labelsKept, rate(`${name}_bucket`, labels))})`;
}

/** One line for each value of `label`. */
function each(label: string, inner: string): Query {
  return { expr: sumBy(label, inner), legend: `{{${label}}}` };
}

function one(legend: string, expr: string): Query {
  return { expr, legend };
}

const OVERVIEW: readonly Panel[] = [
  {
    title: 'Faktory',
    about: '1: the own connection of every chosen bouncer is open. 0: at least one is not.',
    unit: 'short',
    kind: 'stat',
    queries: [one('up', `min(${metric('faktory_up')})`)],
  },
  {
    title: 'Writes',
    about:
      'What Faktory is: sound, suspect (it does not answer) or refusing (Redis refuses writes).',
    unit: 'short',
    kind: 'stat',
    queries: [one('{{state}}', `${sumBy('state', metric('write_state'))} > 0`)],
  },
  {
    title: 'Places taken',
    about: 'Server connections divided by limits.server_connections.',
    unit: 'percentunit',
    kind: 'stat',
    queries: [one('places', `max(${metric('server_connections_saturation_ratio')})`)],
  },
  {
    title: 'Refused in an hour',
    about: 'Client connections that were refused.',
    unit: 'short',
    kind: 'stat',
    queries: [one('refused', `sum(increase(${metric('refusals_total')}[1h]))`)],
  },
];

const CLIENTS: readonly Panel[] = [
  {
    title: 'Client connections',
    about: 'By state, and the limit.',
    unit: 'short',
    kind: 'graph',
    queries: [
      each('state', metric('client_connections')),
      one('limit', `sum(${metric('client_connections_limit')})`),
    ],
  },
  {
    title: 'Clients by role',
    about: 'Producers, workers, those before HELLO, and those that nothing uses.',
    unit: 'short',
    kind: 'graph',
    queries: [
      each('role', metric('client_connections')),
      one('unused', `sum(${metric('client_connections_unused')})`),
      one('worker processes', `sum(${metric('workers')})`),
    ],
  },
  {
    title: 'Waiting line',
    about: 'Clients that wait for a place, by role.',
    unit: 'short',
    kind: 'graph',
    queries: [
      each('role', metric('waiting_line_length')),
      one('limit', `sum(${metric('waiting_line_limit')})`),
    ],
  },
  {
    title: 'Wait for admission',
    about: 'Includes clients that gave up or were refused.',
    unit: 's',
    kind: 'graph',
    queries: [
      one('p50', quantile(0.5, 'admission_wait_seconds')),
      one('p95', quantile(0.95, 'admission_wait_seconds')),
      one('oldest now', `max(${metric('waiting_line_oldest_wait_seconds')})`),
    ],
  },
  {
    title: 'Refusals',
    about: 'By the limit that refused; docs/operations.md says what to do about each.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      each('reason', rate('refusals_total')),
      one('would have been (observe_only)', `sum(${rate('would_have_refused_total')})`),
    ],
  },
  {
    title: 'Ends of client connections',
    about: 'By reason.',
    unit: 'ops',
    kind: 'graph',
    queries: [each('reason', rate('client_connections_ended_total'))],
  },
];

const SERVERS: readonly Panel[] = [
  {
    title: 'Server connections',
    about: 'By state, and the limit.',
    unit: 'short',
    kind: 'graph',
    queries: [
      each('state', metric('server_connections')),
      one('limit', `sum(${metric('server_connections_limit')})`),
    ],
  },
  {
    title: 'Places by role',
    about: 'Workers can never take the producers’ share.',
    unit: 'short',
    kind: 'graph',
    queries: [
      each('role', metric('server_places_taken')),
      one('share of {{role}}', sumBy('role', metric('server_connections_share'))),
    ],
  },
  {
    title: 'FETCHes',
    about: 'In flight: each holds a connection of Faktory’s Redis pool.',
    unit: 'short',
    kind: 'graph',
    queries: [
      one('in flight', `sum(${metric('fetches_in_flight')})`),
      one('waiting', `sum(${metric('fetches_waiting')})`),
      one('limit', `sum(${metric('fetches_in_flight_limit')})`),
    ],
  },
  {
    title: 'Dials and ends',
    about: 'Dials to Faktory by result, and ended server connections by reason.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      one('dials {{result}}', sumBy('result', rate('server_dials_total'))),
      one('ended: {{reason}}', sumBy('reason', rate('server_connections_ended_total'))),
    ],
  },
];

const COMMANDS: readonly Panel[] = [
  {
    title: 'Commands',
    about: 'Answered commands, by verb.',
    unit: 'ops',
    kind: 'graph',
    queries: [each('verb', rate('commands_total'))],
  },
  {
    title: 'Duration of PUSH, ACK and FAIL',
    about: 'From a command’s last byte to its reply. This shows how loaded Faktory is.',
    unit: 's',
    kind: 'graph',
    queries: [0.5, 0.99].map((share) =>
      one(
        `{{verb}} p${share * 100}`,
        quantile(share, 'command_duration_seconds', 'verb', 'verb=~"PUSH|ACK|FAIL"'),
      ),
    ),
  },
  {
    title: 'Wait for a server connection',
    about:
      'Pooled mode: time in the bouncer before a command was sent (p99), and commands that wait.',
    unit: 's',
    kind: 'graph',
    queries: [one('{{lane}} p99', quantile(0.99, 'lane_wait_seconds', 'lane'))],
  },
  {
    title: 'Command lane',
    about: 'Pooled mode: commands that Faktory works on, and those that wait in the bouncer.',
    unit: 'short',
    kind: 'graph',
    queries: [
      one('at Faktory', `sum(${metric('command_lane_outstanding')})`),
      one('waiting', `sum(${metric('command_lane_waiting')})`),
      one('held writes', `sum(${metric('writes_held')})`),
    ],
  },
];

const JOBS: readonly Panel[] = [
  {
    title: 'Jobs by queue',
    about: 'Needs metrics.jobs: on. Pushed, and handed to workers.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      one('{{queue}} pushed', sumBy('queue', rate('jobs_pushed_total'))),
      one('{{queue}} fetched', sumBy('queue', rate('jobs_fetched_total'))),
    ],
  },
  {
    title: 'Jobs by type',
    about: 'Needs metrics.jobs: on. Done and failed.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      one('{{jobtype}} done', sumBy('jobtype', rate('jobs_acknowledged_total'))),
      one('{{jobtype}} failed', sumBy('jobtype', rate('jobs_failed_total'))),
    ],
  },
  {
    title: 'Run time of jobs',
    about: 'Needs metrics.jobs: on. From FETCH to ACK, p95 by job type.',
    unit: 's',
    kind: 'graph',
    queries: [one('{{jobtype}}', quantile(0.95, 'job_run_seconds', 'jobtype'))],
  },
];

const TROUBLE: readonly Panel[] = [
  {
    title: 'Jobs at risk',
    about: 'Each of these is in the runbook. All are 0 while nothing is wrong.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      one('late acknowledgements', `sum(${rate('late_replies_total')})`),
      one('writes refused', `sum(${rate('writes_refused_total')})`),
      one('commands expired', `sum(${rate('commands_expired_total')})`),
      one('outcome unknown', `sum(${rate('commands_outcome_unknown_total')})`),
      one('stray: {{fate}}', sumBy('fate', rate('stray_jobs_total'))),
    ],
  },
  {
    title: 'Guard and defects',
    about: 'Lines that would have harmed Faktory, by rule, and failed checks of the bouncer.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      each('rule', rate('guard_hits_total')),
      one('defects', `sum(${rate('bugs_total')})`),
      one('unexpected replies', `sum(${rate('unexpected_replies_total')})`),
    ],
  },
];

const BEHIND: readonly Panel[] = [
  {
    title: 'Jobs, as Faktory says',
    about: 'From INFO; a gap means that Faktory does not answer it.',
    unit: 'ops',
    kind: 'graph',
    queries: [
      one('processed', `max(${rate('faktory_processed_jobs_total')})`),
      one('failed', `max(${rate('faktory_failed_jobs_total')})`),
    ],
  },
  {
    title: 'Jobs in all queues',
    about: 'From INFO.',
    unit: 'short',
    kind: 'graph',
    queries: [one('enqueued', `max(${metric('faktory_enqueued_jobs')})`)],
  },
  {
    title: 'Connections of Faktory',
    about: 'What Faktory counts, and what bypasses the bouncer.',
    unit: 'short',
    kind: 'graph',
    queries: [
      one('all', `max(${metric('faktory_connections')})`),
      one('past the bouncer', `max(${metric('faktory_connections_past_bouncer')})`),
    ],
  },
  {
    title: 'Redis',
    about: 'Needs redis.url.',
    unit: 'short',
    kind: 'graph',
    queries: [
      one('connections', `max(${metric('redis_connected_clients')})`),
      one('blocked', `max(${metric('redis_blocked_clients')})`),
      one('limit', `max(${metric('redis_max_clients')})`),
    ],
  },
  {
    title: 'Memory of Redis',
    about: 'Needs redis.url. A limit of 0 means none.',
    unit: 'bytes',
    kind: 'graph',
    queries: [
      one('used', `max(${metric('redis_used_memory_bytes')})`),
      one('limit', `max(${metric('redis_max_memory_bytes')})`),
    ],
  },
];

const PROCESS: readonly Panel[] = [
  {
    title: 'CPU and event loop',
    about: 'One event loop uses one core at most.',
    unit: 'percentunit',
    kind: 'graph',
    queries: [one('CPU {{instance}}', rate('process_cpu_seconds_total'))],
  },
  {
    title: 'Delay of the event loop',
    about: 'p99 since the last scrape.',
    unit: 's',
    kind: 'graph',
    queries: [one('{{instance}}', metric('nodejs_eventloop_lag_p99_seconds'))],
  },
  {
    title: 'Memory',
    about: 'Resident memory, and what clients have sent and is not answered.',
    unit: 'bytes',
    kind: 'graph',
    queries: [
      one('resident {{instance}}', metric('process_resident_memory_bytes')),
      one('buffered {{instance}}', metric('buffered_bytes')),
    ],
  },
  {
    title: 'Open files',
    about: 'Each connection is an open file.',
    unit: 'short',
    kind: 'graph',
    queries: [
      one('open {{instance}}', metric('process_open_fds')),
      one('limit {{instance}}', metric('process_max_fds')),
    ],
  },
  {
    title: 'Bytes moved',
    about: 'By side and direction.',
    unit: 'Bps',
    kind: 'graph',
    queries: [each('direction', rate('bytes_total'))],
  },
];

export const ROWS: readonly Row[] = [
  { title: 'Overview', panels: OVERVIEW },
  { title: 'Clients', panels: CLIENTS },
  { title: 'Server connections', panels: SERVERS },
  { title: 'Commands', panels: COMMANDS },
  { title: 'Jobs', panels: JOBS },
  { title: 'Trouble', panels: TROUBLE },
  { title: 'Faktory and Redis', panels: BEHIND },
  { title: 'Process', panels: PROCESS },
];
