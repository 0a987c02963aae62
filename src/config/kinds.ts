// The kinds of values that options have: each reads what was written, says what it would have
// allowed, and writes a value back. Promise: a refused value is named, unless it may hold a secret.

import { isIP } from 'node:net';
import { z } from 'zod';

import { formatAddressRange, parseAddressRange } from './address-ranges.ts';
import type { Address, AddressRange, PortRange, SocketPath } from './config.ts';
import {
  DURATION_PATTERN,
  SIZE_PATTERN,
  formatAddress,
  formatDuration,
  formatPlace,
  formatPortRange,
  formatSize,
  parseAddress,
  parseDuration,
  parsePortRange,
  parseSize,
} from './units.ts';
import {
  formatRedisUrl,
  formatServerUrl,
  parseServerUrl,
  refuseRedisUrl,
  withoutPasswords,
} from './urls.ts';
import type { Refusal, ServerUrl } from './urls.ts';

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

/** Where to listen; port 0 lets the system pick one. */
export function address(): Kind<Address> {
  const error = refusal(
    'allowed is host:port or "[IPv6]:port" (with quotes in YAML), port 0 to 65535; 0.0.0.0 means all IPv4 addresses',
  );
  return {
    type: 'address',
    range: '`host:port`, `"[::1]:port"`; port 0: the system picks one',
    schema: z.string({ error }).transform((text, context) => {
      const parsed = parseAddress(text);
      if (parsed !== null) return parsed;
      context.addIssue({ code: 'custom', message: error({ input: text }) });
      return z.NEVER;
    }),
    fromText: (text) => text,
    format: formatAddress,
  };
}

/** Linux takes no longer path for a socket. */
const SOCKET_PATH_BYTES_MAX = 107;

/** Where to listen: an address as above, or the absolute path of a Unix socket. */
export function addressOrPath(): Kind<Address | SocketPath> {
  const error = refusal(
    `allowed is host:port, "[IPv6]:port" (with quotes in YAML), or the absolute path of a Unix socket, up to ${SOCKET_PATH_BYTES_MAX} bytes`,
  );
  return {
    type: 'address',
    range: '`host:port`, `"[::1]:port"`, path of a socket; port 0: the system picks one',
    schema: z.string({ error }).transform((text, context) => {
      const parsed = text.startsWith('/') ? socketPath(text) : parseAddress(text);
      if (parsed !== null) return parsed;
      context.addIssue({ code: 'custom', message: error({ input: text }) });
      return z.NEVER;
    }),
    fromText: (text) => text,
    format: formatPlace,
  };
}

function socketPath(path: string): SocketPath | null {
  const isUsable = Buffer.byteLength(path) <= SOCKET_PATH_BYTES_MAX && !/[\0/]$/.test(path);
  return isUsable ? { path } : null;
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

/** An IP address without a port; empty for none. */
export function ipAddress(): Kind<string> {
  const error = refusal("allowed is an IPv4 or IPv6 address, without brackets and port, or ''");
  return {
    type: 'IP address',
    range: 'empty, `10.0.0.5`, `"fd00::5"`',
    schema: z.string({ error }).refine((text) => text === '' || isIP(text) !== 0, { error }),
    fromText: (text) => text,
    format: (value) => value,
  };
}

/** A host name or an IP address; empty for none. */
export function hostName(): Kind<string> {
  const error = refusal("allowed is a host name or an IP address, or ''");
  return {
    type: 'host name',
    range: 'empty, `faktory.example.com`',
    schema: z.string({ error }).regex(/^[A-Za-z0-9.:_-]{0,253}$/, { error }),
    fromText: (text) => text,
    format: (value) => value,
  };
}

/** Ports from the first to the last; empty for none. */
export function portRange(): Kind<PortRange | null> {
  const error = refusal(
    "allowed is a range of ports within 1 to 65535, such as 40000-49999, or ''",
  );
  return {
    type: 'port range',
    range: 'empty, `40000-49999`',
    schema: z.string({ error }).transform((text, context) => {
      const parsed = text === '' ? null : parsePortRange(text);
      if (parsed !== undefined) return parsed;
      context.addIssue({ code: 'custom', message: error({ input: text }) });
      return z.NEVER;
    }),
    fromText: (text) => text,
    format: formatPortRange,
  };
}

/** Addresses and networks, as a list or separated by commas. */
export function addressList(): Kind<readonly AddressRange[]> {
  return list('address list', 'empty, `10.0.0.0/8, 192.168.1.5, fd00::/8`, or a list', {
    parse: parseAddressRange,
    format: formatAddressRange,
  });
}

/** Words without commas and white space, as a list or separated by commas. */
export function wordList(): Kind<readonly string[]> {
  return list<string>('word list', 'empty, `ops, deploy`, or a list', {
    parse: (word) =>
      /^[^\s,]{1,200}$/.test(word) ? word : { refused: 'write words without white space' },
    format: (word) => word,
  });
}

/** Faktory's URL, which may hold a password. */
export function serverUrl(): Kind<ServerUrl> {
  return {
    type: 'URL',
    range: '`tcp://[[user]:password@]host:port`, `tcp+tls://…`',
    schema: z
      .string({ error: 'found no text; write tcp://host:port' })
      .transform((text, context) => {
        const parsed = parseServerUrl(text);
        if (!('refused' in parsed)) return parsed;
        context.addIssue({ code: 'custom', message: parsed.refused });
        return z.NEVER;
      }),
    fromText: (text) => text,
    format: formatServerUrl,
  };
}

/** Redis's URL, which may hold a password; empty for none. */
export function redisUrl(): Kind<string> {
  return {
    type: 'URL',
    range: 'empty, `redis://…`, `rediss://…`, path of a socket',
    schema: z
      .string({ error: "found no text; write redis://host:port, or '' for none" })
      .superRefine((text, context) => {
        const refused: Refusal | null = refuseRedisUrl(text);
        if (refused !== null) context.addIssue({ code: 'custom', message: refused.refused });
      }),
    fromText: (text) => text,
    format: formatRedisUrl,
  };
}

/** Enough for every network of a company; a check looks at them in a fraction of a microsecond. */
const LIST_ITEMS_MAX = 1000;

interface Item<T> {
  readonly parse: (text: string) => T | Refusal;
  readonly format: (item: T) => string;
}

function list<T>(type: string, range: string, { parse, format }: Item<T>): Kind<readonly T[]> {
  const error = refusal('allowed is a list, or one text with commas');
  return {
    type,
    range,
    takesLists: true,
    schema: z.union([z.string(), z.array(z.string())], { error }).transform((written, context) => {
      const texts = (typeof written === 'string' ? written.split(',') : written)
        .map((text) => text.trim())
        .filter((text) => text !== '');
      const items: T[] = [];
      const refuse = (message: string): void => context.addIssue({ code: 'custom', message });
      if (texts.length > LIST_ITEMS_MAX) {
        refuse(`found ${texts.length} items; at most ${LIST_ITEMS_MAX} are allowed`);
      }
      for (const text of texts.slice(0, LIST_ITEMS_MAX)) {
        const item = parse(text);
        if (isRefusal(item)) refuse(`found ${shown(text)}; ${item.refused}`);
        else items.push(item);
      }
      return items;
    }),
    fromText: (text) => text,
    format: (items) => items.map(format).join(', '),
  };
}

function isRefusal(item: unknown): item is Refusal {
  return typeof item === 'object' && item !== null && 'refused' in item;
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

function refusal(allowed: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => `found ${shown(input)}; ${allowed}`;
}

/**
 * Values come from people's files, so a long one is cut, control characters are escaped, and passwords
 * hidden.
 */
function shown(value: unknown): string {
  if (value === null || value === undefined) return 'no value';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value !== 'string') return `a ${typeof value}`;
  const text = withoutPasswords(value);
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
