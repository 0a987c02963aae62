// Options and values as the lines of a YAML file, in the order of the table. Pure.

import { stringify } from 'yaml';

import type { Written } from './kinds.ts';
import { OPTION_KEYS } from './options.ts';
import type { OptionKey } from './options.ts';

/** Writes every option; `commentOf` may give lines to put above an option or a section. */
export function renderOptions(
  valueOf: (key: OptionKey) => Written,
  commentOf: (keyOrSection: string) => readonly string[],
): string {
  const lines: string[] = [];
  let currentSection = '';
  for (const key of OPTION_KEYS) {
    const [section, name] = splitKey(key);
    if (section !== '' && section !== currentSection) {
      lines.push(...paragraph(commentOf(section)), `${section}:`);
    }
    currentSection = section;
    const line = `${name}: ${scalar(valueOf(key))}`;
    if (section === '') lines.push(...paragraph(commentOf(key)), line);
    else lines.push(...commentOf(key).map((comment) => `  # ${comment}`), `  ${line}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Section (empty for none) and name of a key. */
export function splitKey(key: OptionKey): readonly [section: string, name: string] {
  const dot = key.indexOf('.');
  return dot === -1 ? ['', key] : [key.slice(0, dot), key.slice(dot + 1)];
}

/** Comment lines with an empty line before them; nothing for no comment. */
function paragraph(comment: readonly string[]): readonly string[] {
  return comment.length === 0 ? [] : ['', ...comment.map((line) => `# ${line}`)];
}

/** The value on one line. */
export function scalar(value: Written): string {
  const options = { singleQuote: true, lineWidth: 0, collectionStyle: 'flow' } as const;
  return stringify(value, options).trimEnd();
}
