// Hot path. Ids that Faktory writes into its replies as they are. Promise: an id with a control
// character, which would make two replies of one, is found however the JSON spells it.
// Facts from Faktory v1.7.0: server/commands.go heartbeat, manager/retry.go processFailure.

import { contentEnd, SPACE } from './bytes.ts';
import { goFieldCandidates, goMembers } from './go-json.ts';

const BACKSLASH = 0x5c;

/** A JSON text without a backslash cannot hold a control character: raw ones are invalid JSON. */
export function echoesControlCharacter(line: Buffer, field: string): boolean {
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
