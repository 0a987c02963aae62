// HELLO, both ways. Promise: what Faktory would accept is accepted, what it would close on is
// named invalid; a HELLO to Faktory is written from the fields, never from a client's bytes.
// Facts from Faktory v1.7.0: server/connection.go startConnection, server/workers.go ClientData, which
// Go's encoding/json reads.

import { contentEnd } from './bytes.ts';
import {
  goFieldCandidates,
  goFieldSources,
  goMembers,
  goText,
  goTextField,
  type Member,
} from './go-json.ts';
import { isGoTime } from './go-time.ts';

/** A client's own description. */
export interface Hello {
  readonly version: number;
  /** Empty for a producer. */
  readonly wid: string;
  readonly hostname: string;
  /** Any integer of 64 bits. */
  readonly pid: bigint;
  /** Memory of the process in KiB, as the Busy page shows it; 0 if it was not said. */
  readonly rssKb: bigint;
  readonly labels: readonly string[];
  readonly username: string;
  readonly passwordHash: string;
}

const START = Buffer.from('HELLO {');
const PAYLOAD_START = 'HELLO '.length;
const INT64_MAX = 2n ** 63n - 1n;
const UINT8_MAX = 255n;

/** Reads a HELLO line; null for one on which Faktory would close the connection without a word. */
export function parseHello(line: Buffer): Hello | null {
  if (!line.subarray(0, START.length).equals(START)) return null;
  const fields = goMembers(goText(line.subarray(PAYLOAD_START, contentEnd(line))));
  if (fields === null || !isTimeField(fields, 'startedat')) return null;
  const version = integerField(fields, 'v', 0n, UINT8_MAX);
  const pid = integerField(fields, 'pid', -INT64_MAX - 1n, INT64_MAX);
  const rssKb = integerField(fields, 'rss_kb', -INT64_MAX - 1n, INT64_MAX);
  const wid = goTextField(fields, 'wid');
  const hostname = goTextField(fields, 'hostname');
  const username = goTextField(fields, 'username');
  const passwordHash = goTextField(fields, 'pwdhash');
  const labels = labelsField(fields);
  if (version === null || pid === null || rssKb === null || wid === null) return null;
  if (hostname === null || username === null || passwordHash === null) return null;
  if (labels === null) return null;
  return { version: Number(version), wid, hostname, pid, rssKb, labels, username, passwordHash };
}

/** The HELLO line for Faktory, in the name of `hello`. */
export function helloLine(hello: Hello, passwordHash: string): string {
  const texts = {
    ...(hello.wid !== '' && { wid: hello.wid }),
    hostname: hello.hostname,
    labels: hello.labels,
    ...(hello.username !== '' && { username: hello.username }),
    ...(passwordHash !== '' && { pwdhash: passwordHash }),
  };
  // A number of JavaScript's could not hold them.
  const integers = `"v":2,"pid":${hello.pid},${hello.rssKb === 0n ? '' : `"rss_kb":${hello.rssKb},`}`;
  return `HELLO {${integers}${JSON.stringify(texts).slice(1)}\r\n`;
}

/** Go takes an integer for a number without a fraction or an exponent; for an unsigned one also no sign. */
function integerField(
  fields: readonly Member[],
  name: string,
  min: bigint,
  max: bigint,
): bigint | null {
  let integer = 0n;
  for (const source of goFieldSources(fields, name)) {
    if (source === 'null') continue;
    if (!/^-?\d{1,19}$/.test(source) || (min === 0n && source.startsWith('-'))) return null;
    integer = BigInt(source);
    if (integer < min || integer > max) return null;
  }
  return integer;
}

/** Whether Go can read all that is written there as a time; which one is of no importance. */
function isTimeField(fields: readonly Member[], name: string): boolean {
  return goFieldSources(fields, name).every((source) => source === 'null' || isGoTime(source));
}

/**
 * The last list counts; null instead of a list is an empty one. null in a list leaves what an earlier
 * list had there, as Go writes the one over the other.
 */
function labelsField(fields: readonly Member[]): string[] | null {
  let written: string[] = [];
  let labels: string[] = [];
  for (const value of goFieldCandidates(fields, 'labels')) {
    if (value === null || (Array.isArray(value) && value.length === 0)) {
      written = [];
      labels = [];
      continue;
    }
    if (!Array.isArray(value)) return null;
    for (const [i, label] of (value as unknown[]).entries()) {
      if (label !== null && typeof label !== 'string') return null;
      written[i] = label?.toWellFormed() ?? written[i] ?? '';
    }
    labels = written.slice(0, value.length);
  }
  return labels;
}
