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
  /** `run`: without a command. */
  readonly of: 'run' | 'top' | 'any';
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
  json: { argument: NONE, of: 'top', doc: 'Print each update as one line of JSON.' },
  version: { argument: NONE, of: 'any', doc: 'Print the version.' },
  help: { short: 'h', argument: NONE, of: 'any', doc: 'Print the usage.' },
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
  completion: 'Print the completion for a shell: bash, zsh or fish.',
} as const;

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];
