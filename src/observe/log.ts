// The log: pino JSON lines on stdout. Promise: a reader of stdout that stalls never stalls the
// bouncer, nor its end (stdout-lines.ts), and no key that is named like a password shows its
// value. The rooms log none in the first place; this is a second safeguard.

import { pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { StdoutLines } from '../base/stdout-lines.ts';

export type { Logger } from 'pino';

export const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SECRET_KEYS = [
  'password',
  'Password',
  'passwd',
  'pwdhash',
  'FAKTORY_PASSWORD',
  'secret',
  'token',
  'authorization',
  'auth',
];

/** Makes the process's log; tests hand in another `stream` than stdout. */
export function createLog(level: LogLevel, stream: DestinationStream = new StdoutLines()): Logger {
  return pino(
    {
      level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_KEYS.flatMap(atThreeDepths), censor: '[redacted]' },
    },
    stream,
  );
}

/** pino matches a key at the depths that are spelled out, so three of them are. */
function atThreeDepths(key: string): string[] {
  return [key, `*.${key}`, `*.*.${key}`];
}
