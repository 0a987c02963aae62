// Hot path. Lines that must not reach Faktory 1.7. Promise: a line that would panic the server, make
// two replies of one on a shared connection, or hold up all clients, is named by its rule; every other
// line passes.
// Facts from Faktory v1.7.0: server/commands.go slices the payload past the verb unchecked, QUEUE
// reads its second argument unchecked, BEAT and FAIL echo a decoded wid or jid into the reply.

import { contentEnd, SPACE } from './bytes.ts';
import { goFieldCandidates, goMembers } from './go-json.ts';
import { MEANING, type Verb } from './verbs.ts';

export const GUARD_RULES = [
  'bare_verb',
  'queue_arguments',
  'control_character',
  'command_too_long',
  'fetch_too_long',
] as const;
export type GuardRule = (typeof GUARD_RULES)[number];

const BACKSLASH = 0x5c;
/** Over a thousand queues with long names. Each name is a string for as long as its client asks for it. */
export const FETCH_BYTES_MAX = 64 * 1024;

/** The rule that `line` breaks, or null. `shared`: other clients read replies of this connection. */
export function guard(verb: Verb, line: Buffer, shared: boolean): GuardRule | null {
  const { argumentsMin, echoes } = MEANING[verb];
  switch (argumentsMin) {
    case 0:
      return verb === 'FETCH' && line.length > FETCH_BYTES_MAX ? 'fetch_too_long' : null;
    case 1:
      if (contentEnd(line) === verb.length) return 'bare_verb';
      break;
    case 2:
      return hasTwoArguments(line) ? null : 'queue_arguments';
  }
  if (!shared || echoes === null) return null;
  return echoesControlCharacter(line, echoes) ? 'control_character' : null;
}

/** Two spaces make two arguments, even empty ones: Faktory splits at every single space. */
function hasTwoArguments(line: Buffer): boolean {
  const first = line.indexOf(SPACE);
  return first !== -1 && line.indexOf(SPACE, first + 1) !== -1;
}

/** A JSON text without a backslash cannot hold a control character: raw ones are invalid JSON. */
function echoesControlCharacter(line: Buffer, field: string): boolean {
  if (line.indexOf(BACKSLASH) === -1) return false;
  const payload = goMembers(line.toString('utf8', line.indexOf(SPACE) + 1, contentEnd(line)));
  if (payload === null) return false;
  return goFieldCandidates(payload, field).some(
    (value) => typeof value === 'string' && hasControlCharacter(value),
  );
}

function hasControlCharacter(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
