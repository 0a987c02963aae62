// What to do about a defect of our own. Promise: a failed check is never mistaken for an expected
// outcome; the connection's owner closes it, and the defect is logged and counted.

/** Thrown by a failed check: a defect in the bouncer, never the peer's fault. */
export class BugError extends Error {
  override readonly name = 'BugError';
}

export function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new BugError(`This is a bug in faktory-bouncer, please report it: ${what}`);
}

/**
 * A defect that may have left a count wrong which all clients share, such as the places of the cap. No
 * connection's end puts that right: it ends the process.
 */
export class SharedCountError extends Error {
  override readonly name = 'SharedCountError';

  constructor(what: string, cause?: unknown) {
    super(`This is a bug in faktory-bouncer, please report it: ${what}`, { cause });
  }
}

/** For counts that all clients share. */
export function checkShared(holds: boolean, what: string): asserts holds {
  if (!holds) throw new SharedCountError(what);
}
