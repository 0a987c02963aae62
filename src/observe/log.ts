// The log: pino JSON lines on stdout. Promise: a reader of stdout that stalls never stalls the
// bouncer (lines beyond a bound are dropped), and no key that is named like a password shows its
// value. The rooms log none in the first place; this is a second safeguard.

import { destination, pino, stdTimeFunctions } from 'pino';
import type { DestinationStream, Logger } from 'pino';

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

/** What may wait in memory for a reader of stdout that is slow; beyond it lines are dropped. */
const UNWRITTEN_BYTES_MAX = 4 * 1024 * 1024;

/** Makes the process's log; tests hand in another `stream` than stdout. */
export function createLog(level: LogLevel, stream: DestinationStream = stdout()): Logger {
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

/** Asynchronous, since a synchronous write to a full pipe sleeps, and the event loop with it. */
function stdout(): DestinationStream {
  return destination({ dest: 1, sync: false, minLength: 0, maxLength: UNWRITTEN_BYTES_MAX });
}
