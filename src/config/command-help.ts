// What `faktory-bouncer COMMAND --help` prints, made from the table of flags. Pure.

import { type Command, COMMANDS, FLAG_LIST, type Flag, OPERANDS } from './flags.ts';

/** The widest name of a flag, and what stands before and behind it. */
const COLUMN = 26;
const WIDTH = 100;

/** The usage of `command`, what it does, and its flags. */
export function renderCommandHelp(command: Command): string {
  const flags = FLAG_LIST.filter(([, { of }]) => isOf(command, of));
  const usage = ['faktory-bouncer', command, OPERANDS[command]];
  usage.push(...flags.map(([name, flag]) => `[${shown(name, flag)}]`));
  const rows = flags.map(([name, flag]) => row(shown(name, flag), flag.doc));
  return [
    `Usage: ${usage.filter((part) => part !== '').join(' ')}`,
    '',
    COMMANDS[command],
    '',
    ...rows,
    row('-h, --help', 'Print this text.'),
    '',
    'faktory-bouncer --help shows all commands.',
    '',
  ].join('\n');
}

function isOf(command: Command, of: Flag['of']): boolean {
  return of === command || (of === 'reading' && (command === 'top' || command === 'advise'));
}

function shown(name: string, { argument }: Flag): string {
  switch (argument.kind) {
    case 'none':
      return `--${name}`;
    case 'file':
      return `--${name} FILE`;
    case 'words':
      return `--${name} ${argument.words.join('|')}`;
    case 'text':
      return `--${name} ${argument.name}`;
  }
}

function row(name: string, doc: string): string {
  const lines = [''];
  for (const word of doc.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length + 1 > WIDTH - COLUMN) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines
    .map((line, index) => `${(index === 0 ? `  ${name}` : '').padEnd(COLUMN)}${line}`)
    .join('\n');
}
