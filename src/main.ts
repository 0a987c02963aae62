#!/usr/bin/env -S node --disable-sigusr1 --min-semi-space-size=4
// The command line: which command is asked for. Promise: nothing but exit.ts and Node's own modules is
// imported before the version of Node is known, so that an old one gets a message instead of a syntax
// error; a command loads only what it needs.

import { setFlagsFromString } from 'node:v8';

import type { Target } from './admin/admin-client.ts';
import type { AdviseRequest, TopRequest } from './config/command-line.ts';
import type { Environment } from './config/environment.ts';
import type { Loaded } from './config/load.ts';
import type { StartedWith } from './config/load-files.ts';
import { EXIT, fail } from './exit.ts';

/** The first with stable type stripping, see `engines` in package.json. */
const NODE_MIN = { major: 24, minor: 12 } as const;

// The young generation keeps the size that it starts with. What a command leaves behind dies young, so one
// that grows to V8's 16 MB only holds memory back: 188 MB with 9000 idle clients, not 147. One of V8's first
// size, 1 MB, saves 6 MB more, but is collected four times as often as the 4 MB of the first line.
setFlagsFromString('--semi-space-growth-factor=1');

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NODE_MIN.major || (major === NODE_MIN.major && minor < NODE_MIN.minor)) {
  fail(EXIT.misused, [
    `Cannot run on Node ${process.versions.node}: faktory-bouncer needs Node ${NODE_MIN.major}.${NODE_MIN.minor} or newer. Install it from https://nodejs.org.`,
  ]);
} else {
  // oxlint-disable-next-line no-restricted-properties -- the one place where the environment comes in
  await main(process.argv.slice(2), process.env);
}

async function main(args: readonly string[], environment: Environment): Promise<void> {
  const { HELP, readCommandLine } = await import('./config/command-line.ts');
  const request = readCommandLine(args);
  switch (request.kind) {
    case 'help': {
      const { renderCommandHelp } = await import('./config/command-help.ts');
      process.stdout.write(request.command === null ? HELP : renderCommandHelp(request.command));
      return;
    }
    case 'version':
      process.stdout.write(`${(await import('./version.ts')).VERSION}\n`);
      return;
    case 'completion': {
      const { renderCompletion } = await import('./config/completion.ts');
      process.stdout.write(renderCompletion(request.shell));
      return;
    }
    case 'misuse':
      return fail(EXIT.misused, [request.text]);
    case 'check':
      return check({ file: request.file, environment, flags: request.flags });
    case 'top':
      return showTop(request, environment);
    case 'advise':
      return showAdvice(request, environment);
    case 'run': {
      const { CONFIG_VARIABLE } = await import('./config/environment.ts');
      const file = request.file ?? environment[CONFIG_VARIABLE] ?? null;
      return start({ file, environment, flags: request.flags });
    }
  }
}

function showTop({ url, once, json }: TopRequest, environment: Environment): Promise<void> {
  return readFromBouncer(url, environment, async (target, token, stop) => {
    const { top } = await import('./top/top.ts');
    const { stdin: input, stdout: output } = process;
    await top({ target, token, once, json, input, output, stop });
  });
}

function showAdvice(request: AdviseRequest, environment: Environment): Promise<void> {
  return readFromBouncer(request.url, environment, async (target, token, stop) => {
    const { advise } = await import('./advise/advise.ts');
    const { prometheus: url, sinceMs, forMs, readsBouncer, json } = request;
    const { stdout, stderr } = process;
    // As in `advise | head`: the reader has gone.
    stdout.on('error', () => stop.abort());
    const findings = await advise({
      bouncer: readsBouncer ? { target, token, forMs } : null,
      prometheus: url === null ? null : { url, sinceMs },
      json,
      signal: stop.signal,
      print: (text) => stdout.write(text),
      progress: (text) => stderr.write(`${text}\n`),
    });
    if (request.exitCode && findings > 0) process.exitCode = EXIT.advised;
  });
}

/** For commands that read a running bouncer at `url`, null for the default; a signal aborts `stop`. */
async function readFromBouncer(
  url: string | null,
  environment: Environment,
  act: (target: Target, token: string, stop: AbortController) => Promise<void>,
): Promise<void> {
  const { adminTarget } = await import('./config/admin-target.ts');
  const { TOKEN_VARIABLE } = await import('./config/admin-token.ts');
  const { wordsFor } = await import('./config/system-errors.ts');
  const target = adminTarget(url, environment);
  if (target.kind === 'refused') return fail(EXIT.misused, [`${target.text}.`]);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => stop.abort());
  try {
    await act(target, environment[TOKEN_VARIABLE] ?? '', stop);
  } catch (error) {
    fail(EXIT.failed, [`${wordsFor(error)}.`]);
  }
}

/** Prints what the configuration comes to, or what is wrong with it. */
async function check(started: StartedWith): Promise<void> {
  const { load } = await import('./config/load-files.ts');
  const { renderEffective } = await import('./config/effective.ts');
  const loaded = load(started, 'once');
  for (const warning of loaded.warnings) process.stderr.write(`Warning: ${warning}\n`);
  if ('problems' in loaded) return failOnProblems(loaded);
  process.stdout.write(renderEffective(loaded.config));
}

/** The rooms of a bouncer are loaded only for a configuration that can run. */
async function start(started: StartedWith): Promise<void> {
  const { loadToRun } = await import('./config/load-files.ts');
  const loaded = loadToRun(started, 'once');
  if ('problems' in loaded) return failOnProblems(loaded);
  const { run } = await import('./run.ts');
  return run(started, loaded);
}

async function failOnProblems({ problems }: Extract<Loaded, { problems: unknown }>): Promise<void> {
  const { formatProblem } = await import('./config/problems.ts');
  fail(EXIT.misused, problems.map(formatProblem));
}
