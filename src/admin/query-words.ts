// What is wrong with a query, in words for people. Pure. Promise: it names the parameter and says what is
// allowed, from the route's own schema; what was sent is cut.

import { z } from 'zod';

const SHOWN_CHARACTERS_MAX = 40;

/** What is used of a parameter's JSON Schema. */
interface Allowed {
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
}

/** For the first issue that `query` has with what was sent. */
export function queryWords(query: z.ZodObject, issue: z.core.$ZodIssue | undefined): string {
  if (issue?.code === 'unrecognized_keys') {
    const found = JSON.stringify((issue.keys[0] ?? '').slice(0, SHOWN_CHARACTERS_MAX));
    return `there is no parameter ${found}; there are ${Object.keys(query.shape).join(', ')}`;
  }
  const name = String(issue?.path[0] ?? '');
  // A check of the route's own has words of its own.
  if (issue?.code === 'custom') return `${name} ${issue.message}`;
  const { properties = {} } = z.toJSONSchema(query, { io: 'output' });
  return `${name} must ${allowedWords((properties[name] ?? {}) as Allowed)}`;
}

function allowedWords(allowed: Allowed): string {
  if (allowed.enum !== undefined) return `be one of ${allowed.enum.join(', ')}`;
  if (allowed.type === 'integer') {
    const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = allowed;
    return maximum === Number.MAX_SAFE_INTEGER
      ? `be a whole number, ${minimum} or more`
      : `be a whole number from ${minimum} to ${maximum}`;
  }
  return `have ${allowed.minLength ?? 0} to ${allowed.maxLength ?? 0} characters`;
}
