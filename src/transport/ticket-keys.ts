// The keys of session tickets. Promise: pure. They stay the same while the secret and the client CA do,
// so that sessions outlive a reload, and they change with the CA: a client of a CA that was removed
// would otherwise resume its session as an authorized one.

import { createHash, hkdfSync } from 'node:crypto';

/** What Node takes. */
const TICKET_KEYS_BYTES = 48;

/** `clientCa`: PEM; null where clients need no certificate. */
export function ticketKeys(secret: Buffer, clientCa: Buffer | null): Buffer {
  const info = `faktory-bouncer session tickets ${sessionContext(clientCa)}`;
  return Buffer.from(hkdfSync('sha256', secret, '', info, TICKET_KEYS_BYTES));
}

/** Sessions are resumed within one context only; OpenSSL allows 32 bytes. */
export function sessionContext(clientCa: Buffer | null): string {
  return createHash('sha256')
    .update(clientCa ?? '')
    .digest('hex')
    .slice(0, 32);
}
