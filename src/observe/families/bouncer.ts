// Metrics about the bouncer itself. Memory, CPU and the event loop are left to prom-client's own.

import { counter, counterBy, gauge, labelledGauge } from './family.ts';
import type { Family } from './family.ts';

/** `version` is the bouncer's own, from its package.json. */
export function bouncerFamilies(version: string): readonly Family[] {
  return [
    labelledGauge('build_info', 'Always 1; the labels say what runs here.', () => [
      { labels: { version, node_version: process.version }, value: 1 },
    ]),
    labelledGauge('mode_info', 'Always 1; the label is the mode in force.', ({ snapshot }) => [
      { labels: { mode: snapshot.mode }, value: 1 },
    ]),
    gauge(
      'processes',
      'Processes that serve clients; fewer than the option processes while one of them starts again.',
      ({ snapshot }) => snapshot.processes.listening,
    ),
    gauge(
      'processes_silent',
      'Of these processes, those that do not answer the parent process: they are told as they were when they last did.',
      ({ snapshot }) => snapshot.processes.silent,
    ),
    counter(
      'process_restarts_total',
      'Times that a process which served clients has ended unexpectedly and was started again.',
      ({ snapshot }) => snapshot.processes.restarts,
    ),
    gauge('draining', '1 while the bouncer drains, otherwise 0.', ({ snapshot }) =>
      snapshot.draining ? 1 : 0,
    ),
    gauge('paused', '1 while an operator has paused the bouncer, otherwise 0.', ({ snapshot }) =>
      snapshot.paused ? 1 : 0,
    ),
    counterBy(
      'reloads_total',
      'Reloads of the configuration by outcome: applied, unchanged or refused.',
      'outcome',
      (counts) => counts.reloads.outcomes,
    ),
    gauge(
      'config_last_reload_successful',
      '1 if the last reload was not refused, and before the first one; otherwise 0.',
      ({ counts }) => (counts.reloads.lastFailed ? 0 : 1),
    ),
    gauge(
      'config_last_reload_success_timestamp_seconds',
      'When the configuration in force was last read, at the start or by a reload, in seconds since 1970.',
      ({ counts }) => counts.reloads.succeededAtMs / 1000,
    ),
    counterBy(
      'connection_log_lines_total',
      'Lines of log.connections that were written, and those that were left out of it.',
      'outcome',
      (counts) => counts.connectionLog,
    ),
    counter(
      'bugs_total',
      'Failed internal checks; anything above 0 is a defect worth a report.',
      ({ counts }) => counts.bugs.total,
    ),
  ];
}
