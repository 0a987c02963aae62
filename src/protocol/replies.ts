// The meaning of a whole reply. Promise: pure questions about bytes that the reply parser passed on.

export const OK = Buffer.from('+OK\r\n');
export const NIL = Buffer.from('$-1\r\n');

/** Whether a whole `+OK` begins at `at`: most replies are one. */
export function isOkAt(bytes: Buffer, at: number): boolean {
  return (
    bytes[at] === 0x2b &&
    bytes[at + 1] === 0x4f &&
    bytes[at + 2] === 0x4b &&
    bytes[at + 3] === 0x0d &&
    bytes[at + 4] === 0x0a
  );
}

const SHUTDOWN = Buffer.from('-ERR shutdown in progress');

/** Faktory v1.7.0 answers so to one command, which it did not execute, and closes. */
export function isShutdown(reply: Buffer): boolean {
  return (
    reply.length >= SHUTDOWN.length &&
    reply.compare(SHUTDOWN, 0, SHUTDOWN.length, 0, SHUTDOWN.length) === 0
  );
}

export function isNil(reply: Buffer): boolean {
  return reply.length === NIL.length && reply[0] === 0x24 && reply[1] === 0x2d;
}

export function isError(reply: Buffer): boolean {
  return reply[0] === 0x2d;
}

/** The bytes of a whole bulk reply, or null for any other reply. */
export function bulkBody(reply: Buffer): Buffer | null {
  if (reply[0] !== 0x24 || isNil(reply)) return null;
  return reply.subarray(reply.indexOf(0x0a) + 1, reply.length - 2);
}
