// Metrics about a limit that several bouncers share, or the processes of one. Absent where none is shared.

import { HOLDER_STATES, LENDERS } from '../../sharing/sharing-counts.ts';
import type { Snapshot } from '../snapshot.ts';
import { byLabel, counter, type Family, gauge, labelledGauge, METRIC_PREFIX } from './family.ts';

type House = NonNullable<NonNullable<Snapshot['sharedLimit']>['house']>;

const requestsTotal: Family = {
  name: `${METRIC_PREFIX}shared_limit_requests_total`,
  help: 'Requests to the lender of the shared limit, by what became of them; lost: no answer came.',
  type: 'counter',
  read: ({ counts, snapshot }) =>
    snapshot.sharedLimit === null ? [] : byLabel('outcome', counts.sharing.requests.values),
};

export const SHARING_FAMILIES: readonly Family[] = [
  labelledGauge(
    'shared_limit_lender',
    '1 for what lends: redis (to several bouncers, or their processes), or parent (to the processes of one bouncer, the bouncers below).',
    ({ snapshot }) =>
      snapshot.sharedLimit === null
        ? []
        : LENDERS.map((lender) => ({
            labels: { lender },
            value: snapshot.sharedLimit?.lender === lender ? 1 : 0,
          })),
  ),
  labelledGauge(
    'shared_limit_state',
    '1 for the state of this bouncer: starting (nothing is leased yet), leased, or fallback (the lender does not renew the lease).',
    ({ snapshot }) =>
      snapshot.sharedLimit === null
        ? []
        : HOLDER_STATES.map((state) => ({
            labels: { state },
            value: snapshot.sharedLimit?.state === state ? 1 : 0,
          })),
  ),
  gauge(
    'shared_limit_leased',
    "Server connections leased to this bouncer; the bouncer's own connection needs no lease.",
    ({ snapshot }) => snapshot.sharedLimit?.leased ?? null,
  ),
  gauge(
    'shared_limit_usable',
    'Server connections that this bouncer may have now; fewer than leased if others are to get some of them, or in fallback.',
    ({ snapshot }) => snapshot.sharedLimit?.usable ?? null,
  ),
  gauge('shared_limit_bouncers', 'Bouncers that hold a lease.', ofHouse('holders')),
  gauge(
    'shared_limit_leased_by_all',
    'Server connections leased to all bouncers together.',
    ofHouse('leased'),
  ),
  gauge(
    'shared_limit_used_by_all',
    'Server connections that all bouncers with a lease have, as each told last.',
    ofHouse('used'),
  ),
  gauge(
    'shared_limit_outside',
    'Server connections that are still counted for bouncers whose lease is over: Faktory has not shown yet that they are gone.',
    ofHouse('outside'),
  ),
  gauge(
    'shared_limit_free',
    'Server connections of the shared limit that can be leased; below 0 while more may be open than can be accounted for.',
    ofHouse('free'),
  ),
  counter(
    'shared_limit_fallbacks_total',
    'Times that the lender did not renew the lease in time.',
    ({ counts, snapshot }) =>
      snapshot.sharedLimit === null ? null : counts.sharing.fallbacks.total,
  ),
  requestsTotal,
];

function ofHouse(name: keyof House) {
  return ({ snapshot }: { readonly snapshot: Snapshot }): number | null =>
    snapshot.sharedLimit?.house?.[name] ?? null;
}
