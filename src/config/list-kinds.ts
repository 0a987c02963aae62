// Kinds of lists: a YAML list, or one text with commas. Promise: every item that is wrong is named.

import { z } from 'zod';
import { formatAddressRange, parseAddressRange } from './address-ranges.ts';
import type { AddressRange } from './config.ts';
import { isRefusal, type Kind, refusal, shown } from './kind.ts';
import type { Refusal } from './urls.ts';

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
