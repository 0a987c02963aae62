// Lines and commands: any split of the bytes gives the same lines; a verb is the one that Faktory would
// take it for; the guard finds what Go's decoder would find, and nothing else.

import { equal, ok } from 'node:assert/strict';
import { bulkMark } from '../../../src/protocol/bulk-mark.ts';
import { jidOf } from '../../../src/protocol/bulk.ts';
import { contentEnd } from '../../../src/protocol/bytes.ts';
import { verbOf } from '../../../src/protocol/command.ts';
import { goFieldCandidates, goMembers } from '../../../src/protocol/go-json.ts';
import {
  Guard,
  SWITCHED_RULES,
  type SwitchedRule,
  type RuleSwitch,
} from '../../../src/protocol/guard.ts';
import { LineBuffer } from '../../../src/protocol/line-buffer.ts';
import { RESERVED_QUEUES } from '../../../src/protocol/reserved-queues.ts';
import { VERBS } from '../../../src/protocol/verbs.ts';
import type { Target } from '../target.ts';

const ALL_BLOCK = Object.fromEntries(SWITCHED_RULES.map((rule) => [rule, 'block'])) as Record<
  SwitchedRule,
  RuleSwitch
>;
const GUARD = new Guard({ switches: ALL_BLOCK, payloadBytes: 200, sharesConnections: true });
const DATED = /^(?:processed|failures):[\d-]{10}$/;

function run(input: Buffer): void {
  const bytes = input.subarray(1);
  const lines = linesOf(bytes, bytes.length);
  const split = linesOf(bytes, 1 + ((input[0] ?? 0) & 0x1f));
  equal(split.length, lines.length);
  lines.forEach((line, i) => ok(split[i]?.equals(line)));
  ok(bytes.subarray(0, Buffer.concat(lines).length).equals(Buffer.concat(lines)));
  for (const line of lines) checkLine(line);
}

function linesOf(bytes: Buffer, size: number): readonly Buffer[] {
  const buffer = new LineBuffer();
  const lines: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const lent = Buffer.from(bytes.subarray(at, at + size));
    buffer.push(lent);
    for (let line = buffer.next(); line !== null; line = buffer.next()) lines.push(line);
    lent.fill('#');
  }
  return lines;
}

function checkLine(line: Buffer): void {
  const content = line.toString('latin1', 0, contentEnd(line));
  const word = content.split(' ', 1)[0] ?? '';
  const verb = verbOf(line);
  equal(verb, VERBS.find((known) => known === word && known !== 'OTHER') ?? 'OTHER');
  const broken = new Set(
    GUARD.rules[verb].filter((rule) => rule.isBroken(line)).map(({ name }) => name),
  );
  const payload = line.toString('utf8', verb.length + 1, contentEnd(line));
  const names = content.split(' ').slice(verb === 'QUEUE' ? 2 : 1);
  if (verb === 'FETCH' || verb === 'QUEUE')
    equal(broken.has('reserved_queue'), names.some(isReserved));
  if (verb === 'PUSH' && goMembers(payload) !== null) {
    equal(broken.has('reserved_queue'), isReserved(lastText(payload, 'queue')));
    checkMark(line);
  }
  if (verb === 'PUSHB') {
    const queues = elementsOf(payload)?.map((job) => lastText(job, 'queue'));
    if (queues !== undefined) equal(broken.has('reserved_queue'), queues.some(isReserved));
  }
  if (verb === 'MUTATE' && goMembers(payload) !== null) {
    const command = String(lastText(payload, 'cmd'));
    equal(broken.has('mutate'), ['clear', 'kill', 'discard'].includes(command));
  }
}

/** A PUSH that may travel with others has one jid that all readers agree on, or none. */
function checkMark(line: Buffer): void {
  const mark = bulkMark(line);
  const jid = jidOf(line);
  if (mark > 0) ok(jid !== null && Buffer.byteLength(jid) >= 8);
  if (mark === 0) ok(jid === null || Buffer.byteLength(jid) < 8);
}

function isReserved(name: unknown): boolean {
  if (typeof name !== 'string') return false;
  return RESERVED_QUEUES.some((reserved) => reserved === name) || DATED.test(name);
}

function lastText(json: string, field: string): unknown {
  return goFieldCandidates(goMembers(json) ?? [], field)
    .filter((value) => typeof value === 'string')
    .at(-1);
}

/** The elements of a JSON list of objects, as they are written; undefined for any other text. */
function elementsOf(json: string): readonly string[] | undefined {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch {
    return undefined;
  }
  const isOfObjects =
    Array.isArray(list) &&
    list.every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
  if (!isOfObjects) return undefined;
  // A list with a member name before each element is an object, which keeps the source of each.
  const elements: string[] = [];
  let rest = json.trim().slice(1);
  for (const _ of list as unknown[]) {
    const end = objectEnd(rest);
    elements.push(rest.slice(rest.indexOf('{'), end));
    rest = rest.slice(end);
  }
  return elements;
}

/** The index behind the first object of a text that begins with valid JSON. */
function objectEnd(text: string): number {
  for (let end = text.indexOf('}') + 1; end !== 0; end = text.indexOf('}', end) + 1) {
    try {
      JSON.parse(text.slice(text.indexOf('{'), end));
      return end;
    } catch {
      // A brace within a string or an inner object.
    }
  }
  throw new Error('Cannot find the end of an object in valid JSON');
}

export const commands: Target = {
  name: 'commands',
  seeds: [
    '\x05PUSH {"jid":"12345678","jobtype":"t","args":[1,"a"],"queue":"default"}\r\nFETCH a b\n',
    '\x00PUSH {"queue":"retries"}\n',
    '\x01PUSH {"queue":"a","QUEUE":"dead","queue":null,"args":["\\"queue\\"",{"queue":"b"}]}\n',
    '\x02PUSHB [{"queue":"a"},{"jid":"12345678","queue":"\\u0072etries"}]\n',
    '\x03MUTATE {"cmd":"clear","target":"retries"}\nQUEUE REMOVE a\nFLUSH\n',
    '\x04QUEUE PAUSE scheduled\nFETCH processed:2026-11-26\nACK\nFAIL {"jid":"a\\n"}\n',
  ],
  dictionary: [
    'PUSH ',
    'PUSHB ',
    'FETCH ',
    'QUEUE ',
    'MUTATE ',
    'BEAT ',
    'FAIL ',
    'ACK ',
    '\n',
    '\r\n',
    '"',
    ':',
    ',',
    '{',
    '}',
    '[',
    ']',
    '\\',
    '\\"',
    '\\u0071',
    '\\u0072',
    '"queue":',
    '"QUEUE":',
    '"\\u0051ueue":',
    '"retries"',
    '"dead"',
    '"\\u0064ead"',
    '"cmd":',
    '"clear"',
    '"jid":',
    '"12345678"',
    'null',
    '0',
    ' ',
    '\t',
    'retries',
    'processed:',
    '2026-11-26',
    '{"queue":"dead"}',
    '\u017f',
    '\u212a',
  ],
  run,
};
