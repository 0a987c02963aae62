// Options and values as the lines of a YAML file, in the order of the table. Pure.

import { stringify } from 'yaml';

import type { Written } from './kind.ts';
import { OPTION_KEYS } from './options.ts';
import type { OptionKey } from './options.ts';

/** Writes every option; `commentOf` may give lines to put above an option or a section. */
export function renderOptions(
  valueOf: (key: OptionKey) => Written,
  commentOf: (keyOrSection: string) => readonly string[],
): string {
  const lines: string[] = [];
  let open: readonly string[] = [];
  for (const key of OPTION_KEYS) {
    const sections = sectionsOf(key);
    sections.forEach((section, depth) => {
      if (open[depth] === section) return;
      lines.push(...comment(commentOf(section), depth), `${indent(depth)}${nameOf(section)}:`);
    });
    open = sections;
    const depth = sections.length;
    lines.push(...comment(commentOf(key), depth));
    lines.push(`${indent(depth)}${nameOf(key)}: ${scalar(valueOf(key))}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The sections that a key is in, the outermost first: `listen`, `listen.tls`. */
export function sectionsOf(key: string): readonly string[] {
  const names = key.split('.').slice(0, -1);
  return names.map((_, at) => names.slice(0, at + 1).join('.'));
}

/** The last part of a key or a section: what stands in the file. */
export function nameOf(key: string): string {
  return key.slice(key.lastIndexOf('.') + 1);
}

function indent(depth: number): string {
  return '  '.repeat(depth);
}

/** Comment lines, at the top with an empty line before them; nothing for no comment. */
function comment(texts: readonly string[], depth: number): readonly string[] {
  if (texts.length === 0) return [];
  const lines = texts.map((text) => `${indent(depth)}# ${text}`);
  return depth === 0 ? ['', ...lines] : lines;
}

/** The value on one line. */
export function scalar(value: Written): string {
  const options = { singleQuote: true, lineWidth: 0, collectionStyle: 'flow' } as const;
  return stringify(value, options).trimEnd();
}
