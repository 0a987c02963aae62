// How a client connection's end is counted, logged and said. Promise: a refusal is counted by its
// reason, an end by its one reason; the text has the time to arrive unless refused clients are too many.

import type { Parting, WireEnd } from '../base/wire-owner.ts';
import type { EndedClient } from './client-events.ts';
import type { StageFault } from '../base/wire-socket.ts';
import {
  CERTIFICATE_REFUSED,
  PROXY_HEADER_DUE,
  PROXY_ONLY,
  TLS_REQUIRED,
  type Refusal,
  refusalText,
} from '../protocol/error-texts.ts';
import type { ClientParts } from './client-parts.ts';
import { type ClientEndReason, MISMATCHES } from './client-states.ts';

/** Refused clients that are held for refusal_delay or their close; more are answered and closed at once. */
const HELD_REFUSALS_MAX = 1000;

/** Counts and logs `refusal` of a client at `address`. */
export function noteRefusal(
  { counts, events }: ClientParts,
  refusal: Refusal,
  address: string,
): void {
  counts.refusals.add(refusal.reason);
  const text = refusalText(refusal).toString('latin1').trimEnd();
  events.refused({ reason: refusal.reason, text, address });
}

/** Counts and logs the end of a connection. */
export function noteEnd(
  { counts, events, wiring }: ClientParts,
  client: Omit<EndedClient, 'seconds'>,
  acceptedAt: number,
): void {
  const { reason, address, detail } = client;
  counts.ends.add(reason);
  if (MISMATCHES.has(reason)) events.mismatch(reason, address, detail);
  events.clientEnded({ ...client, seconds: (wiring.turns.now() - acceptedAt) / 1000 });
}

/** What a peer is told that was not let through to the handshake; null: nothing. */
export function faultText(fault: Exclude<StageFault, 'not_wanted'>): Buffer | null {
  switch (fault) {
    case 'proxy_header_invalid':
    case 'proxy_header_missing':
      return PROXY_HEADER_DUE;
    case 'proxy_untrusted':
      return PROXY_ONLY;
    case 'tls_required':
      return TLS_REQUIRED;
    case 'tls_certificate_refused':
      return CERTIFICATE_REFUSED;
    case 'client_closed':
    case 'tls_failed':
    case 'handshake_timeout':
      return null;
  }
}

/** How long the next refused client is held before it is told; ms. */
export function refusalDelayMs({ clients, settings }: ClientParts): number {
  return refusedAreMany(clients) ? 0 : settings.current.refusalDelayMs;
}

/** How the next connection parts from its client. */
export function nextParting({ clients }: ClientParts): Parting {
  return refusedAreMany(clients) ? 'fin_and_gone' : 'fin';
}

function refusedAreMany(clients: ClientParts['clients']): boolean {
  return clients.count('refusing') + clients.count('refused') > HELD_REFUSALS_MAX;
}

/** Why a connection ended whose wire ended first. */
export function endReasonOf(end: WireEnd): ClientEndReason {
  switch (end.kind) {
    case 'closed':
    case 'failed':
      return 'client_reset';
    case 'stalled':
      return 'write_stalled';
    case 'bug':
      return 'bug';
  }
}

/** Whether the client itself left. */
export function isHangUp(reason: ClientEndReason): boolean {
  return reason === 'client_closed' || reason === 'client_reset';
}
