// A kind of option values: how a value is read, documented and written back. Promise: a refused value is
// named, unless it may hold a secret.

import { z } from 'zod';
import { type Refusal, withoutPasswords } from './urls.ts';

/** What YAML, the environment and the documentation hold for an option. */
export type Written = string | number | boolean | readonly string[];

/** How values of one kind are read, documented and written. */
export interface Kind<T> {
  readonly type: string;
  /** The allowed values, for the documentation. */
  readonly range: string;
  readonly schema: z.ZodType<T>;
  /** What the schema reads, from the text of an environment variable or a flag. */
  readonly fromText: (text: string) => Written;
  /** Whether a file may write the value as a YAML list. */
  readonly takesLists?: boolean;
  /** Secrets are hidden. */
  readonly format: (value: T) => Written;
}

/** A text that `parse` reads. `error` says what is wrong with a value that is not a text. */
export function parsedText<T>(
  error: string | Found,
  parse: (text: string) => T | Refusal,
): z.ZodType<T> {
  return z.string({ error }).transform((text, context) => {
    const parsed = parse(text);
    if (!isRefusal(parsed)) return parsed;
    context.addIssue({ code: 'custom', message: parsed.refused });
    return z.NEVER;
  });
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && 'refused' in value;
}

/** Says what was found instead of an allowed value. */
export type Found = (issue: { readonly input?: unknown }) => string;

/** What was found, and then `allowed`. */
export function refusal(allowed: string): Found {
  return ({ input }) => `found ${shown(input)}; ${allowed}`;
}

/**
 * Values come from people's files, so a long one is cut, control characters are escaped, and passwords
 * hidden.
 */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return 'no value';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  const text = withoutPasswords(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
