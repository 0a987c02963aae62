// Metrics about TLS: handshakes with clients, and when certificates expire.

import { counterBy, labelledGauge } from './family.ts';
import type { Family } from './family.ts';

export const TLS_FAMILIES: readonly Family[] = [
  counterBy(
    'tls_handshakes_total',
    'TLS handshakes with clients by result.',
    'result',
    (counts) => counts.transport.handshakes,
  ),
  labelledGauge(
    'certificate_expiry_timestamp_seconds',
    'When the first certificate of a file expires, as Unix time, by the option that names the file.',
    ({ snapshot }) =>
      snapshot.certificates.map(({ option, expiresAtMs }) => ({
        labels: { option },
        value: expiresAtMs / 1000,
      })),
  ),
];
