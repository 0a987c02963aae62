// A log that never throws. Promise: a line that cannot be written is lost, and the caller continues.

import type { LogFn, Logger } from 'pino';

/** The same log, with its level. */
export function safeLog(log: Logger): Logger {
  const safe = (level: 'debug' | 'info' | 'warn' | 'error'): LogFn => {
    return (...line: Parameters<LogFn>): void => {
      try {
        log[level](...line);
      } catch {
        // The log is where an error would be reported.
      }
    };
  };
  const methods = {
    debug: safe('debug'),
    info: safe('info'),
    warn: safe('warn'),
    error: safe('error'),
  };
  return Object.assign(Object.create(log) as Logger, methods);
}
