// The demo's words: figures in, lines out. Promise: pure; plain lines, so that it reads the same in a
// terminal, a log file and a CI job.

import type { ConsumersStatus } from './consumers.ts';
import { serverConnections, sumOf } from './metrics-text.ts';
import type { MetricSample } from './metrics-text.ts';
import type { ProducersStatus } from './producers.ts';

/** One look at the house. */
export interface Figures {
  readonly seconds: number;
  /** What the bouncer says of itself. */
  readonly metrics: readonly MetricSample[];
  readonly consumers: ConsumersStatus;
  readonly producers: ProducersStatus;
}

export const PROGRESS_HEAD =
  '   time | consumers: in  came in  waiting  refused | producers: in | jobs: pushed  fetched   acked | server connections';

export function progressLine(figures: Figures): string {
  const { metrics, consumers, producers } = figures;
  const waiting = sumOf(metrics, 'faktory_bouncer_waiting_line_length');
  const refused = sumOf(metrics, 'faktory_bouncer_refusals_total');
  const limit = sumOf(metrics, 'faktory_bouncer_server_connections_limit');
  return [
    `${right(figures.seconds.toFixed(0), 5)} s `,
    ` ${right(openClients(metrics, 'worker'), 13)} ${right(consumers.admissions, 8)} ${right(waiting, 8)} ${right(refused, 8)} `,
    ` ${right(openClients(metrics, 'producer'), 13)} `,
    ` ${right(producers.acknowledged, 12)} ${right(consumers.fetched, 8)} ${right(consumers.acked, 7)} `,
    ` ${right(serverConnections(metrics), 9)} of ${limit}`,
  ].join('|');
}

/** What is left at the end. */
export interface Ending {
  readonly consumers: ConsumersStatus;
  readonly producers: ProducersStatus;
  /** Jobs still in the queue, as Faktory counts them. */
  readonly queued: number;
  readonly serverConnectionsMax: number;
  readonly serverConnectionsLimit: number;
}

/** What the demo promises, and whether it came true; all must hold. */
export function checks(ending: Ending): readonly { readonly text: string; readonly ok: boolean }[] {
  const { consumers, producers, queued, serverConnectionsMax, serverConnectionsLimit } = ending;
  const pushed = producers.acknowledged;
  return [
    {
      text: `nothing lost: ${pushed} pushed = ${consumers.acked} acked + ${queued} still queued`,
      ok: pushed > 0 && pushed === consumers.acked + queued,
    },
    {
      text: `producers always got in: ${producers.refused} refused, ${pushed} of ${producers.offered} PUSHes acknowledged`,
      ok: producers.refused === 0 && pushed === producers.offered,
    },
    {
      text: `the cap held: at most ${serverConnectionsMax} of ${serverConnectionsLimit} server connections seen`,
      ok: serverConnectionsMax > 0 && serverConnectionsMax <= serverConnectionsLimit,
    },
    {
      text: `consumers over the cap were told so: ${consumers.refused} refusals`,
      ok: consumers.refused > 0,
    },
  ];
}

function openClients(metrics: readonly MetricSample[], role: string): number {
  return sumOf(metrics, 'faktory_bouncer_client_connections', { role, state: 'open' });
}

function right(value: string | number, width: number): string {
  return String(value).padStart(width);
}
