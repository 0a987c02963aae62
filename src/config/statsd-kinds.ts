// The kinds of the statsd options. Promise: what they let through cannot break a line of statsd.

import { z } from 'zod';
import type { StatsdTarget } from './config.ts';
import { type Kind, parsedText } from './kind.ts';
import { formatStatsdTarget, parseStatsdUrl } from './statsd-target.ts';

/** Where the receiver is; empty for none. */
export function statsdUrl(): Kind<StatsdTarget | null> {
  return {
    type: 'URL',
    range: 'empty, `udp://host:port`, `unix:///path`',
    schema: parsedText<StatsdTarget | null>(
      "found no text; write udp://host:port, or '' for none",
      (text) => (text === '' ? null : parseStatsdUrl(text)),
    ),
    fromText: (text) => text,
    format: formatStatsdTarget,
  };
}

/** What stands before a metric's name; may be empty. */
export function statsdPrefix(): Kind<string> {
  const error = "allowed are up to 100 of the characters A-Z a-z 0-9 . _ and -, or ''";
  return {
    type: 'text',
    range: 'up to 100 of `A-Z a-z 0-9 . _ -`',
    schema: z.string({ error }).regex(/^[A-Za-z0-9._-]{0,100}$/, { error }),
    fromText: (text) => text,
    format: (value) => value,
  };
}

const TAGS_MAX = 20;
const TAG = /^[A-Za-z][A-Za-z0-9_./-]{0,99}(?::[A-Za-z0-9_./:-]{1,100})?$/;

/** Tags as `name:value`, separated by commas; empty for none. */
export function statsdTags(): Kind<readonly string[]> {
  const error = `allowed are up to ${TAGS_MAX} tags such as env:production,team:jobs, or ''`;
  return {
    type: 'tags',
    range: 'empty, `env:production,team:jobs`',
    schema: parsedText<readonly string[]>(error, (text) => {
      const tags = text === '' ? [] : text.split(',').map((tag) => tag.trim());
      return tags.length <= TAGS_MAX && tags.every((tag) => TAG.test(tag))
        ? tags
        : { refused: error };
    }),
    fromText: (text) => text,
    format: (tags) => tags.join(','),
  };
}
