// Every flag of the command line, once: what it takes, where it is used, and what it is for. The
// completion of shells and the manual are made from this table, and `--help` names each of them.

import { MODES } from './config.ts';

/** What a flag takes: nothing, a file, one of some words, or text of its own. */
export type FlagArgument =
  | { readonly kind: 'none' }
  | { readonly kind: 'file' }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'text'; readonly name: string };

export interface Flag {
  readonly short?: string;
  readonly argument: FlagArgument;
  /** `run`: without a command. `reading`: of top and advise. */
  readonly of: 'run' | 'top' | 'advise' | 'reading' | 'any';
  /** A sentence for the manual. */
  readonly doc: string;
}

const NONE = { kind: 'none' } as const;

export const FLAGS = {
  config: {
    short: 'c',
    argument: { kind: 'file' },
    of: 'run',
    doc: 'Configuration file. FAKTORY_BOUNCER_CONFIG can name it too.',
  },
  listen: {
    argument: { kind: 'text', name: 'HOST:PORT' },
    of: 'run',
    doc: 'Address for clients. The default is 127.0.0.1:7519.',
  },
  server: {
    argument: { kind: 'text', name: 'URL' },
    of: 'run',
    doc: 'URL of Faktory. The default is tcp://127.0.0.1:7419. Set the password in FAKTORY_PASSWORD.',
  },
  mode: {
    argument: { kind: 'words', words: MODES },
    of: 'run',
    doc: 'session: each client has a server connection of its own. pooled: clients share server connections.',
  },
  url: {
    argument: { kind: 'text', name: 'URL' },
    of: 'top',
    doc: 'The admin address of a bouncer: http://HOST:PORT, or the path of its Unix socket.',
  },
  once: { argument: NONE, of: 'top', doc: 'Print once and end.' },
  json: {
    argument: NONE,
    of: 'reading',
    doc: 'Print JSON: top one line for each update, advise one document.',
  },
  for: {
    argument: { kind: 'text', name: 'DURATION' },
    of: 'advise',
    doc: 'Watch the bouncer for so long, such as 60s, to see which connections grow and do nothing.',
  },
  prometheus: {
    argument: { kind: 'text', name: 'URL' },
    of: 'advise',
    doc: 'Read a Prometheus that scrapes bouncers.',
  },
  since: {
    argument: { kind: 'text', name: 'DURATION' },
    of: 'advise',
    doc: 'How much of the past to ask Prometheus for. The default is 7d.',
  },
  'exit-code': { argument: NONE, of: 'advise', doc: 'End with 3 if there is any advice.' },
  version: { argument: NONE, of: 'any', doc: 'Print the version.' },
  help: {
    short: 'h',
    argument: NONE,
    of: 'any',
    doc: 'Print the usage; after a command, that of the command.',
  },
} as const satisfies Readonly<Record<string, Flag>>;

export type FlagName = keyof typeof FLAGS;

export const FLAG_LIST: readonly (readonly [FlagName, Flag])[] = Object.entries(FLAGS) as [
  FlagName,
  Flag,
][];

/** Commands, with what each one does. */
export const COMMANDS = {
  check: 'Print every problem of a configuration file, or the configuration in force.',
  top: 'Show clients, limits and workers of a running bouncer.',
  advise: 'Say which limits of a running bouncer fit, and which processes leak connections.',
  completion: 'Print the completion for a shell: bash, zsh or fish.',
} as const;

export type Command = keyof typeof COMMANDS;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** What stands behind a command; empty for nothing. */
export const OPERANDS: Readonly<Record<Command, string>> = {
  check: 'FILE',
  top: '',
  advise: '[URL]',
  completion: SHELLS.join('|'),
};

/** Whether `name` is a command. */
export function isCommand(name: string | undefined): name is Command {
  return name !== undefined && Object.hasOwn(COMMANDS, name);
}
