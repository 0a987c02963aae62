// HELLO, both ways. Promise: what Faktory would accept is accepted, what it would close on is
// named invalid; what is said to Faktory is made anew from the fields, never a client's bytes.
// Facts from Faktory v1.7.0: server/connection.go startConnection, server/workers.go ClientData.

import { contentEnd } from './bytes.ts';
import { goFieldCandidates, goMembers, type Member } from './go-json.ts';

/** Who a client says it is. */
export interface Hello {
  readonly version: number;
  /** Empty for a producer. */
  readonly wid: string;
  readonly hostname: string;
  readonly pid: number;
  readonly labels: readonly string[];
  readonly username: string;
  readonly passwordHash: string;
}

/** Reads a HELLO line; null for one on which Faktory would close the connection without a word. */
export function parseHello(line: Buffer): Hello | null {
  const text = line.toString('utf8', 0, contentEnd(line));
  if (!text.startsWith('HELLO {')) return null;
  const fields = goMembers(text.slice('HELLO '.length));
  if (fields === null) return null;
  const version = integerField(fields, 'v', 0, 255);
  const pid = integerField(fields, 'pid', Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const wid = textField(fields, 'wid');
  const hostname = textField(fields, 'hostname');
  const username = textField(fields, 'username');
  const passwordHash = textField(fields, 'pwdhash');
  const labels = labelsField(fields);
  if (version === null || pid === null || wid === null || hostname === null) return null;
  if (username === null || passwordHash === null || labels === null) return null;
  return { version, wid, hostname, pid, labels, username, passwordHash };
}

/** The HELLO line for Faktory, in the name of `hello`. */
export function helloLine(hello: Hello, passwordHash: string): string {
  const fields = {
    v: 2,
    ...(hello.wid !== '' && { wid: hello.wid }),
    hostname: hello.hostname,
    pid: hello.pid,
    labels: hello.labels,
    ...(hello.username !== '' && { username: hello.username }),
    ...(passwordHash !== '' && { pwdhash: passwordHash }),
  };
  return `HELLO ${JSON.stringify(fields)}\r\n`;
}

/** Go leaves a field that is absent or null as it was: at its zero value, or at an earlier one's. */
function textField(fields: readonly Member[], name: string): string | null {
  let text = '';
  for (const value of goFieldCandidates(fields, name)) {
    if (value === null) continue;
    if (typeof value !== 'string') return null;
    text = value;
  }
  return text;
}

function integerField(
  fields: readonly Member[],
  name: string,
  min: number,
  max: number,
): number | null {
  let integer = 0;
  for (const value of goFieldCandidates(fields, name)) {
    if (value === null) continue;
    if (typeof value !== 'number' || !Number.isInteger(value)) return null;
    if (value < min || value > max) return null;
    integer = value;
  }
  return integer;
}

/** The last list counts; null, as a whole or in a list, is Go's zero value. */
function labelsField(fields: readonly Member[]): string[] | null {
  let labels: string[] = [];
  for (const value of goFieldCandidates(fields, 'labels')) {
    labels = [];
    if (value === null) continue;
    if (!Array.isArray(value)) return null;
    for (const label of value as unknown[]) {
      if (label !== null && typeof label !== 'string') return null;
      labels.push(label ?? '');
    }
  }
  return labels;
}
