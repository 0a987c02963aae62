// What the arguments of `faktory-bouncer` ask for. Pure. Promise: a password in an argument, which
// every user of the machine can read in the process list, is refused and not repeated.

import { parseArgs } from 'node:util';

import { type Command, COMMANDS, type FlagName, isCommand, type Shell, SHELLS } from './flags.ts';
import type { FlagValue } from './load.ts';
import { parseDuration } from './units.ts';
import { parseServerUrl } from './urls.ts';

/** What to do; `file` is null when the arguments name none. */
export type Request =
  /** `command`: null for the program. */
  | { readonly kind: 'help'; readonly command: Command | null }
  | { readonly kind: 'version' }
  | { readonly kind: 'run'; readonly file: string | null; readonly flags: readonly FlagValue[] }
  | { readonly kind: 'check'; readonly file: string; readonly flags: readonly FlagValue[] }
  | TopRequest
  | AdviseRequest
  | { readonly kind: 'completion'; readonly shell: Shell }
  | { readonly kind: 'misuse'; readonly text: string };

export interface TopRequest {
  readonly kind: 'top';
  /** Null: as the environment says, or the default. */
  readonly url: string | null;
  readonly once: boolean;
  readonly json: boolean;
}

export interface AdviseRequest {
  readonly kind: 'advise';
  /** Null: as the environment says, or the default. */
  readonly url: string | null;
  /** Whether a bouncer is read, too, where a Prometheus is. */
  readonly readsBouncer: boolean;
  readonly prometheus: URL | null;
  /** 0: look once. */
  readonly forMs: number;
  readonly sinceMs: number;
  readonly json: boolean;
  readonly exitCode: boolean;
}

/** What `--help` prints. */
export const HELP = `Usage:
  faktory-bouncer [--config FILE] [--listen HOST:PORT] [--server URL] [--mode session|pooled]
  faktory-bouncer check FILE
  faktory-bouncer top [--url URL] [--once] [--json]
  faktory-bouncer advise [URL] [--for DURATION] [--prometheus URL] [--since DURATION] [--json] [--exit-code]
  faktory-bouncer completion bash|zsh|fish

A proxy in front of a Faktory server that counts and caps connections.

  check FILE              print every problem of a configuration file, or the configuration in force
  top                     show clients, limits and workers of a running bouncer; keys q, s, /
      --url URL           its admin address: http://HOST:PORT, or the path of its Unix socket
                          (default http://127.0.0.1:7421); a token goes into FAKTORY_BOUNCER_ADMIN_TOKEN
      --once              print once and end
      --json              print each update as one line of JSON
  advise [URL]            say which limits of a bouncer fit, and which processes leak connections;
                          the URL and the token are as for top
      --for DURATION      watch it for so long, such as 60s, instead of looking once
      --prometheus URL    read a Prometheus, and a bouncer only if a URL is given too
      --since DURATION    how much of its past (default 7d)
      --json              print one document of JSON
      --exit-code         end with 3 if there is any advice
  completion SHELL        print the completion of commands and flags for bash, zsh or fish
  -c, --config FILE       configuration file; FAKTORY_BOUNCER_CONFIG can name it too
      --listen HOST:PORT  address for clients (default 127.0.0.1:7519)
      --server URL        Faktory (default tcp://127.0.0.1:7419); set its password in FAKTORY_PASSWORD
      --mode MODE         session: each client has a server connection for itself (default)
                          pooled: clients share server connections
      --version           print the version
  -h, --help              print this text; after a command, the help of that command

Every option has an environment variable: FAKTORY_BOUNCER_LIMITS_CLIENTS=5000 sets limits.clients.
SIGTERM, SIGINT and SIGQUIT drain: outstanding commands get their replies. A second signal stops at once.
SIGHUP reloads the configuration.
Exit codes: 0 stopped in good order, 1 failed at run time, 2 wrong configuration or usage,
3 advise --exit-code has advice.
`;

/** As parseArgs wants them. */
const PARSED = {
  config: { type: 'string', short: 'c' },
  listen: { type: 'string' },
  server: { type: 'string' },
  mode: { type: 'string' },
  url: { type: 'string' },
  once: { type: 'boolean' },
  json: { type: 'boolean' },
  for: { type: 'string' },
  prometheus: { type: 'string' },
  since: { type: 'string' },
  'exit-code': { type: 'boolean' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const satisfies Readonly<Record<FlagName, object>>;

/** Reads the arguments behind the program's name. */
export function readCommandLine(args: readonly string[]): Request {
  const parsed = parse(args);
  if (typeof parsed === 'string') return misuse(parsed);
  const { values, positionals } = parsed;
  if (values.help === true) {
    const [named] = positionals;
    return { kind: 'help', command: isCommand(named) ? named : null };
  }
  if (values.version === true) return { kind: 'version' };
  if (values.server !== undefined && holdsPassword(values.server)) {
    return misuse(
      'Cannot take a password in --server: every user of this machine can read it in the process list. Set FAKTORY_PASSWORD, or write server.url in the configuration file',
    );
  }
  const flags = flagValues(values);
  const [command, file, surplus] = positionals;
  if (command === 'advise') return readAdvise(values, { url: file, surplus });
  const ofAdvise = values.for ?? values.prometheus ?? values.since ?? values['exit-code'];
  if (ofAdvise !== undefined) {
    return misuse(
      'Cannot use --for, --prometheus, --since or --exit-code without advise: write faktory-bouncer advise',
    );
  }
  if (command !== 'top' && (values.url ?? values.once ?? values.json) !== undefined) {
    return misuse('Cannot use --url, --once or --json without top: write faktory-bouncer top');
  }
  if (command === undefined) return { kind: 'run', file: values.config ?? null, flags };
  if (command === 'top') return readTop(values, file);
  if (command === 'completion') return readCompletion(file, surplus);
  if (command !== 'check')
    return misuse(
      `Cannot run ${JSON.stringify(command)}: the commands are ${Object.keys(COMMANDS).join(', ')}`,
    );
  if (values.config !== undefined) {
    return misuse('Cannot use --config with check: write faktory-bouncer check FILE');
  }
  if (file === undefined)
    return misuse('Cannot check without a file: write faktory-bouncer check FILE');
  if (surplus !== undefined) return misuse('Cannot check more than one file at a time');
  return { kind: 'check', file, flags };
}

interface TopValues {
  readonly url?: string | undefined;
  readonly once?: boolean | undefined;
  readonly json?: boolean | undefined;
}

function readTop({ url, once, json, ...others }: TopValues, surplus: string | undefined): Request {
  if (surplus !== undefined || Object.keys(others).length > 0) {
    return misuse('Cannot use this with top: it takes --url, --once and --json');
  }
  return { kind: 'top', url: url ?? null, once: once === true, json: json === true };
}

interface AdviseValues {
  readonly json?: boolean | undefined;
  readonly for?: string | undefined;
  readonly prometheus?: string | undefined;
  readonly since?: string | undefined;
  readonly 'exit-code'?: boolean | undefined;
}

/** How long a watch, and the past of Prometheus, can be at most: 92 days. */
const TIME_MAX_MS = 92 * 86_400_000;

function readAdvise(
  { json, for: watched = '0s', prometheus, since, 'exit-code': exitCode, ...others }: AdviseValues,
  { url, surplus }: { readonly url: string | undefined; readonly surplus: string | undefined },
): Request {
  if (surplus !== undefined || Object.keys(others).length > 0) {
    return misuse(
      'Cannot use this with advise: it takes one URL, --for, --prometheus, --since, --json and --exit-code',
    );
  }
  if (since !== undefined && prometheus === undefined) {
    return misuse('Cannot use --since without --prometheus: a bouncer tells of its own time only');
  }
  const readsBouncer = url !== undefined || prometheus === undefined;
  if (watched !== '0s' && !readsBouncer) {
    return misuse('Cannot watch a Prometheus: give the URL of a bouncer with --for');
  }
  const forMs = spanOf(watched);
  const sinceMs = spanOf(since ?? '7d');
  if (forMs === null || sinceMs === null) {
    return misuse(
      `Cannot use this time with ${forMs === null ? '--for' : '--since'}: write 60s, 5m, 2h or 7d`,
    );
  }
  const asked = prometheus === undefined ? null : prometheusUrl(prometheus);
  if (asked === 'refused') {
    return misuse(
      'Cannot use --prometheus: write http://HOST:PORT or https://HOST:PORT, without a user or a password, which every user of this machine could read in the process list',
    );
  }
  return {
    kind: 'advise',
    url: url ?? null,
    readsBouncer,
    prometheus: asked,
    forMs,
    sinceMs,
    json: json === true,
    exitCode: exitCode === true,
  };
}

/** Milliseconds; days are known here, as they are to Prometheus. */
function spanOf(text: string): number | null {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const span = days === undefined ? parseDuration(text) : Number(days) * 86_400_000;
  return span === null || span > TIME_MAX_MS ? null : span;
}

function prometheusUrl(text: string): URL | 'refused' {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) return 'refused';
  const isPlain = [url.username, url.password, url.search, url.hash].every((part) => part === '');
  return isPlain ? url : 'refused';
}

function readCompletion(name: string | undefined, surplus: string | undefined): Request {
  const shell = SHELLS.find((one) => one === name);
  if (shell === undefined || surplus !== undefined) {
    return misuse(`Cannot print a completion: name one shell of ${SHELLS.join(', ')}`);
  }
  return { kind: 'completion', shell };
}

function misuse(text: string): Request {
  return { kind: 'misuse', text: `${text}. See faktory-bouncer --help.` };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: PARSED, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's text goes on, behind its first sentence, with advice on how to write such a positional.
    const why = error instanceof Error ? (error.message.split(/\. |\n/, 1)[0] ?? '') : '';
    return `Cannot read the command line: ${why}`;
  }
}

function flagValues(values: {
  readonly listen?: string | undefined;
  readonly server?: string | undefined;
  readonly mode?: string | undefined;
}): readonly FlagValue[] {
  return [
    { flag: '--listen', key: 'listen.address', text: values.listen } as const,
    { flag: '--server', key: 'server.url', text: values.server } as const,
    { flag: '--mode', key: 'mode', text: values.mode } as const,
  ].flatMap(({ flag, key, text }) => (text === undefined ? [] : [{ flag, key, text }]));
}

/** True too for a text that is not a usable URL, if it looks as if it held a password. */
function holdsPassword(url: string): boolean {
  const parsed = parseServerUrl(url);
  return 'refused' in parsed
    ? /:[^/]*@/.test(url.replace(/^[^:]*:\/\//, ''))
    : parsed.password !== '';
}
