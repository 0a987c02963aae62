// Which worker a BEAT keeps alive. Promise: it is the one that Faktory would find, whichever client
// sends the BEAT.
// Facts from Faktory v1.7.0: server/workers.go ClientBeat, which Go's encoding/json reads; heartbeat()
// looks the worker up by this wid alone.

import { contentEnd } from './bytes.ts';
import { goMembers, goText, goTextField } from './go-json.ts';

const PAYLOAD_START = 'BEAT '.length;

/** The wid in a BEAT line, empty if there is none; null if Faktory cannot read it. */
export function beatWid(line: Buffer): string | null {
  const members = goMembers(goText(line.subarray(PAYLOAD_START, contentEnd(line))));
  return members === null ? null : goTextField(members, 'wid');
}
