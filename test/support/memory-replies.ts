// What a Faktory in memory answers. Promise: but for PUSH and PUSHB, no two commands have the same
// reply, so that one that goes to the wrong client is seen.

import { BAD_QUEUE, type StoredJob } from './memory-jobs.ts';

/** A command's payload as the model writes it: `VERB {"id":…}`. */
export interface Payload {
  readonly id: string;
  readonly jid?: string;
  readonly queue?: string;
  readonly wid?: string;
  readonly errtype?: string;
  /** When a job is due. */
  readonly at?: string;
}

/** What the command is answered where nothing is wrong. */
export function replyTo(verb: string, payload: Payload): string {
  const { id, queue = '' } = payload;
  if (verb === 'PUSH') return queue === BAD_QUEUE ? errorReply(problemOf(id)) : '+OK\r\n';
  if (verb !== 'INFO') return `+${id}\r\n`;
  // Long enough, for some, to be streamed.
  const length = id.endsWith('7') ? 70_000 : 100;
  return bulkReply(`${id}:${'i'.repeat(length)}:${id}`);
}

/** PUSHB's: which of its jobs failed. */
export function pushbReply(payloads: readonly Payload[]): string {
  const bad = payloads.filter(({ queue }) => queue === BAD_QUEUE);
  return bulkReply(JSON.stringify(Object.fromEntries(bad.map((p) => [p.jid, problemOf(p.id)]))));
}

export function jobReply({ jid, queue }: StoredJob): string {
  return bulkReply(JSON.stringify({ jid, queue, jobtype: 't', args: [], retry: 25 }));
}

export function errorReply(text: string): string {
  return `-ERR ${text}\r\n`;
}

export function verbOf(line: string): string {
  return line.split(' ', 1)[0] ?? '';
}

/** The payloads of a command line: PUSHB has several, INFO and others may have none. */
export function payloadsOf(verb: string, line: string): readonly Payload[] {
  const text = line.slice(verb.length + 1);
  if (!text.startsWith('{') && !text.startsWith('[')) return [];
  const payload = JSON.parse(text) as Payload | Payload[];
  return Array.isArray(payload) ? payload : [payload];
}

function bulkReply(body: string): string {
  return `$${body.length}\r\n${body}\r\n`;
}

function problemOf(id: string): string {
  return `no such queue for ${id}`;
}
