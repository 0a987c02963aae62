// Strings that clients choose, as the admin address repeats them. Promise: none is longer than its
// bound, and each can be written as JSON.

import type { ClientFacts } from '../client/client-facts.ts';

const TEXT_MAX = 128;
const LABELS_MAX = 16;
const PID_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** The first characters of `text`, with … for the rest. */
export function bounded(text: string): string {
  return text.length <= TEXT_MAX ? text : `${text.slice(0, TEXT_MAX - 1).toWellFormed()}…`;
}

/** The process that a client says it belongs to. */
export function processOf(hello: ClientFacts['hello']) {
  if (hello === null) return { wid: '', host: '', pid: 0, labels: [] };
  const { wid, hostname, pid, labels } = hello;
  return {
    wid: bounded(wid),
    host: bounded(hostname),
    pid: pid >= 0n && pid <= PID_MAX ? Number(pid) : 0,
    labels: labels.slice(0, LABELS_MAX).map((label) => bounded(label)),
  };
}
