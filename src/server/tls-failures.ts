// Why TLS with Faktory failed, by the words of OpenSSL and Node. Pure. Promise: what an operator has to
// change differs from reason to reason.

import type { TlsFailureReason } from './server-states.ts';

/** X509 verification errors, as Node names them. */
const VERIFICATION: Readonly<Record<string, TlsFailureReason>> = {
  CERT_HAS_EXPIRED: 'tls_certificate_expired',
  CERT_NOT_YET_VALID: 'tls_certificate_expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'tls_name_mismatch',
  HOSTNAME_MISMATCH: 'tls_name_mismatch',
  UNABLE_TO_GET_ISSUER_CERT: 'tls_unknown_ca',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'tls_unknown_ca',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'tls_unknown_ca',
  SELF_SIGNED_CERT_IN_CHAIN: 'tls_unknown_ca',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'tls_unknown_ca',
  CERT_SIGNATURE_FAILURE: 'tls_unknown_ca',
  CERT_UNTRUSTED: 'tls_unknown_ca',
  INVALID_CA: 'tls_unknown_ca',
  ERR_SSL_WRONG_VERSION_NUMBER: 'tls_not_spoken',
};

/** Alerts about the certificate that the bouncer has sent, or has not. */
const REFUSED =
  /^ERR_SSL_.*ALERT_(?:BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED)$/;
const OTHER = /^(?:ERR_SSL_|ERR_TLS_|CERT_|CRL_|PATH_LENGTH_|ERROR_IN_CERT_|INVALID_PURPOSE)/;

/** The reason behind an error's code; null if it is not one of TLS. */
export function tlsFailure(code: string): TlsFailureReason | null {
  const known = VERIFICATION[code];
  if (known !== undefined) return known;
  if (REFUSED.test(code)) return 'tls_certificate_refused';
  return OTHER.test(code) ? 'tls_failed' : null;
}
