// A log that writes nothing. Promise: each line of it is heard, from debug on, and the stack of each
// defect that it tells.

import type { Logger } from '../../src/observe/log.ts';

/** `heard`: called for each line, with the stack of an error that is its subject. */
export function memoryLog(heard: (defect: string | null) => void): Logger {
  const line = (fields: unknown): void => {
    const error =
      typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : null;
    heard(error instanceof Error ? (error.stack ?? error.message) : null);
  };
  const log = { debug: line, info: line, warn: line, error: line, isLevelEnabled: () => true };
  // Of pino's logger, the bouncer uses no more.
  return log as unknown as Logger;
}
