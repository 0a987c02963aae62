// Who may ask for what. Pure. Promise: nothing is changed without the operator token in the request
// itself; nothing but metrics and health is sent to another machine without it; a page of another
// site, also one that has its name point here, neither reads nor acts.

import { createHash, timingSafeEqual } from 'node:crypto';

/** `anyone`: answered on every address. */
export type Access = 'anyone' | 'read' | 'operate';

/** What of a request decides. */
export interface Asking {
  /** Whether it came over loopback or a Unix socket. */
  readonly isLocal: boolean;
  readonly host: string | undefined;
  readonly origin: string | undefined;
  /** Sec-Fetch-Site: how browsers say who made the request. */
  readonly fetchSite: string | undefined;
  /** Sec-Fetch-Mode: `navigate` where a person opens a link. */
  readonly fetchMode: string | undefined;
  readonly authorization: string | undefined;
  readonly contentType: string | undefined;
}

export type Verdict =
  | { readonly kind: 'allowed' }
  /** `challenge`: what WWW-Authenticate says; null for none. */
  | {
      readonly kind: 'refused';
      readonly status: 401 | 403 | 415;
      readonly text: string;
      readonly challenge: string | null;
    };

const ALLOWED: Verdict = { kind: 'allowed' };
const BASIC = 'Basic realm="faktory-bouncer", charset="UTF-8"';
const BEARER = 'Bearer realm="faktory-bouncer"';

/** `token`: the operator token, empty if there is none. */
export function judge(access: Access, asking: Asking, token: string): Verdict {
  if (access === 'anyone') return ALLOWED;
  const isLink = access === 'read' && asking.fetchMode === 'navigate';
  if (!isLink && isForeign(asking))
    return refused(403, 'Cannot answer a request from a page of another site');
  return access === 'operate' ? judgeAct(asking, token) : judgeRead(asking, token);
}

function judgeRead(asking: Asking, token: string): Verdict {
  if (carries(asking.authorization, token, ['bearer', 'basic'])) return ALLOWED;
  if (!asking.isLocal) {
    return token === ''
      ? refused(
          403,
          'Cannot answer requests from another machine without an operator token: set FAKTORY_BOUNCER_ADMIN_TOKEN or admin.token_file',
        )
      : refused(401, 'Cannot answer without the operator token', BASIC);
  }
  if (asking.host === undefined || isLoopbackName(asking.host)) return ALLOWED;
  return refused(
    403,
    'Cannot answer a request with this Host: use localhost or 127.0.0.1, or send the operator token',
  );
}

/** A password that a browser has stored must not act by itself: Basic is for reading. */
function judgeAct({ authorization, contentType }: Asking, token: string): Verdict {
  if (token === '') {
    return refused(
      403,
      'Cannot act without an operator token: set FAKTORY_BOUNCER_ADMIN_TOKEN or admin.token_file, and restart',
    );
  }
  if (!carries(authorization, token, ['bearer'])) {
    return refused(401, 'Cannot act: send Authorization: Bearer with the operator token', BEARER);
  }
  // What a form of another site cannot send.
  if (!/^application\/json\s*(?:;|$)/i.test(contentType ?? '')) {
    return refused(415, 'Cannot take this request: send Content-Type: application/json');
  }
  return ALLOWED;
}

function refused(status: 401 | 403 | 415, text: string, challenge: string | null = null): Verdict {
  return { kind: 'refused', status, text, challenge };
}

/** A browser says that another site's page asks. */
function isForeign({ origin, host, fetchSite }: Asking): boolean {
  if (fetchSite === 'cross-site' || fetchSite === 'same-site') return true;
  return origin !== undefined && hostOfOrigin(origin) !== host?.toLowerCase();
}

/** A sandboxed page has the origin `null`, and no host. */
function hostOfOrigin(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}

function isLoopbackName(host: string): boolean {
  if (!URL.canParse(`http://${host}`)) return false;
  const { hostname } = new URL(`http://${host}`);
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

function carries(
  authorization: string | undefined,
  token: string,
  schemes: readonly string[],
): boolean {
  if (token === '' || authorization === undefined) return false;
  const [, scheme = '', value = ''] = /^(\S+) +(\S+)$/.exec(authorization) ?? [];
  const given = scheme.toLowerCase();
  if (!schemes.includes(given)) return false;
  return isSame(given === 'basic' ? passwordOf(value) : value, token);
}

function passwordOf(basic: string): string {
  const text = Buffer.from(basic, 'base64').toString('utf8');
  return text.slice(text.indexOf(':') + 1);
}

/** Takes as long for a guess that is nearly right as for one that is not. */
function isSame(given: string, token: string): boolean {
  return timingSafeEqual(digestOf(given), digestOf(token));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Whether an address, as Node spells it, is loopback. */
export function isLoopback(address: string | undefined): boolean {
  return /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/.test(address ?? '');
}
