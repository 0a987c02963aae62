// Where `top` and `advise` find a bouncer: the URL that they are given, or what the environment says of admin.address. Pure.

import { variableOf } from './options.ts';
import type { Environment } from './environment.ts';
import { parseAddress } from './units.ts';

/** A URL, or the path of a Unix socket; or why it cannot be used. */
export type AdminTarget =
  | { readonly kind: 'url'; readonly url: URL }
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'refused'; readonly text: string };

const DEFAULT = '127.0.0.1:7421';
/** An address to listen on is not one to dial. */
const DIALLED: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** `written`: the URL that the arguments give, null for none. */
export function adminTarget(written: string | null, environment: Environment): AdminTarget {
  const text = written ?? environment[variableOf('admin.address')] ?? DEFAULT;
  if (text.startsWith('/')) return { kind: 'socket', path: text };
  const address = parseAddress(text);
  if (address !== null) {
    const host = DIALLED[address.host] ?? address.host;
    const shown = host.includes(':') ? `[${host}]` : host;
    return { kind: 'url', url: new URL(`http://${shown}:${address.port}`) };
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && (url.username !== '' || url.password !== '')) {
    return refused(
      'Cannot take a password in the URL: every user of this machine can read it in the process list. Set FAKTORY_BOUNCER_ADMIN_TOKEN',
    );
  }
  if (url?.protocol !== 'http:' || url.hostname === '') {
    return refused(
      'Cannot use this URL: write http://HOST:PORT, or the absolute path of a Unix socket',
    );
  }
  return { kind: 'url', url };
}

function refused(text: string): AdminTarget {
  return { kind: 'refused', text };
}
