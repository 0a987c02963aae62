// Kinds of numbers, words and paths. Promise: a quantity has its unit, and a number without one is refused.

import { z } from 'zod';
import { type Kind, refusal } from './kind.ts';
import {
  DURATION_PATTERN,
  formatDuration,
  formatSize,
  parseDuration,
  parseSize,
  SIZE_PATTERN,
} from './units.ts';

/** A whole number without a unit. */
export function integer(min: number, max: number): Kind<number> {
  const error = refusal(`allowed is a whole number from ${min} to ${max}`);
  return {
    type: 'integer',
    range: `${min} to ${max}`,
    schema: z.int({ error }).min(min, { error }).max(max, { error }),
    fromText: (text) => (/^-?\d{1,15}$/.test(text) ? Number(text) : text),
    format: (value) => value,
  };
}

/** A length of time, held in milliseconds. */
export function duration(min: string, max: string): Kind<number> {
  return quantity({
    type: 'duration',
    units: 'ms, s, m or h',
    pattern: DURATION_PATTERN,
    parse: parseDuration,
    format: formatDuration,
    bounds: { min, max },
  });
}

/** A number of bytes. */
export function size(min: string, max: string): Kind<number> {
  return quantity({
    type: 'size',
    units: 'B, KiB, MiB, GiB, kB, MB or GB',
    pattern: SIZE_PATTERN,
    parse: parseSize,
    format: formatSize,
    bounds: { min, max },
  });
}

/** true or false, and no other word for them. */
export function boolean(): Kind<boolean> {
  return {
    type: 'boolean',
    range: 'true, false',
    schema: z.boolean({ error: refusal('allowed is true or false') }),
    fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    format: (value) => value,
  };
}

/** One of a few words. */
export function choice<T extends string>(words: readonly T[]): Kind<T> {
  const range = words.join(', ');
  return {
    type: 'word',
    range,
    schema: z.enum(words, { error: refusal(`allowed is one of ${range}`) }),
    fromText: (text) => text,
    format: (value) => value,
  };
}

/** Permission bits of a file, as chmod takes them. */
export function fileMode(): Kind<number> {
  const error = refusal('allowed are permission bits in quotes, "0000" to "0777", such as "0660"');
  return {
    type: 'file mode',
    range: '`"0000"` to `"0777"`',
    schema: z
      .string({ error })
      .regex(/^0[0-7]{3}$/, { error })
      .transform((text) => Number.parseInt(text, 8)),
    fromText: (text) => text,
    format: (mode) => mode.toString(8).padStart(4, '0'),
  };
}

/** The path of a file; empty for none. */
export function filePath(): Kind<string> {
  const error = refusal("allowed is the path of a file, or ''");
  return {
    type: 'path',
    range: 'empty, the path of a file',
    schema: z.string({ error }).refine((text) => !text.includes('\0'), { error }),
    fromText: (text) => text,
    format: (path) => path,
  };
}

interface Quantity {
  readonly type: string;
  readonly units: string;
  readonly pattern: RegExp;
  readonly parse: (text: string) => number | null;
  readonly format: (amount: number) => string;
  readonly bounds: { readonly min: string; readonly max: string };
}

function quantity({ type, units, pattern, parse, format, bounds }: Quantity): Kind<number> {
  const { min, max } = bounds;
  const least = parse(min);
  const most = parse(max);
  if (least === null || most === null) throw new RangeError(`Cannot read ${min} or ${max}`);
  const error = refusal(
    `allowed is ${min} to ${max}, written as a whole number and a unit without a space between them: ${units}`,
  );
  return {
    type,
    range: `${min} to ${max}`,
    schema: z
      .string({ error })
      .regex(pattern, { error })
      .transform((text, context) => {
        const amount = parse(text);
        if (amount !== null && amount >= least && amount <= most) return amount;
        context.addIssue({ code: 'custom', message: error({ input: text }) });
        return z.NEVER;
      }),
    fromText: (text) => text,
    format,
  };
}
