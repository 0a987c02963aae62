// TLS towards Faktory, as a dial needs it.

import { createSecureContext } from 'node:tls';
import type { SecureDial } from '../base/network.ts';
import type { ServerTls } from './tls-files.ts';

/** `serverName`: what Faktory's certificate must have. Null: plain TCP. Throws OpenSSL's error. */
export function secureDial(tls: ServerTls | null, serverName: string): SecureDial | null {
  if (tls === null) return null;
  const { ca, own } = tls;
  const context = createSecureContext({
    minVersion: 'TLSv1.2',
    ...(ca !== null && { ca: ca.pem }),
    ...(own !== null && { cert: own.certificate.pem, key: own.key }),
  });
  return { context, serverName };
}
