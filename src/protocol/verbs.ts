// The verbs that the bouncer knows. Promise: whatever a client sends has one of them; what is none of
// Faktory's is OTHER.

export const VERBS = [
  'PUSH',
  'PUSHB',
  'FETCH',
  'ACK',
  'FAIL',
  'BEAT',
  'INFO',
  'FLUSH',
  'MUTATE',
  'QUEUE',
  'BATCH',
  'TRACK',
  'END',
  'OTHER',
] as const;
export type Verb = (typeof VERBS)[number];
