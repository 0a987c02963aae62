// Metrics about the way to statsd. They are 0 while statsd.url is empty.

import { counter } from './family.ts';
import type { Family } from './family.ts';

export const STATSD_FAMILIES: readonly Family[] = [
  counter(
    'statsd_reports_total',
    'Reports to statsd that the system took whole; UDP does not tell whether they arrived.',
    ({ counts }) => counts.statsd.reports,
  ),
  counter(
    'statsd_errors_total',
    'Packets to statsd that could not be sent, and reports that could not be made.',
    ({ counts }) => counts.statsd.errors,
  ),
];
