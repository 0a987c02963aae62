// The files that a configuration is read from, once at the start and again by each reload. Promise: what
// is wrong with a file is a problem like any other, and nothing throws.

import type { Config } from './config.ts';
import type { Environment } from './environment.ts';
import { type FlagValue, type Loaded, loadConfig } from './load.ts';
import { openFilesProblem, readOpenFilesMax } from './open-files.ts';
import { type Reading, readFileBounded } from './read-file.ts';
import { wordsFor } from './system-errors.ts';

/** What the process was started with. */
export interface StartedWith {
  /** Path of the configuration file; null: there is none. */
  readonly file: string | null;
  readonly environment: Environment;
  readonly flags: readonly FlagValue[];
}

/** Reads and checks the configuration. */
export function load({ file: name, environment, flags }: StartedWith, reading: Reading): Loaded {
  const readFile = (path: string): Buffer => readFileBounded(path, reading);
  let file: { name: string; text: string } | null = null;
  try {
    if (name !== null) file = { name, text: readFile(name).toString('utf8') };
  } catch (error) {
    const shown = name === '' ? "''" : name;
    return refused(
      `Cannot read the configuration ${shown}: ${wordsFor(error)}. Name a file that exists and that this user may read.`,
    );
  }
  return loadConfig({ file, environment, flags, readFile });
}

/** The configuration of a process that runs: it must also be able to hold the connections. */
export function loadToRun(started: StartedWith, reading: Reading): Loaded {
  const loaded = load(started, reading);
  if ('problems' in loaded) return loaded;
  const text = openFilesProblem(loaded.config.limits, readOpenFilesMax());
  return text === null ? loaded : refused(text, loaded.warnings);
}

/** Every file that the configuration is read from, those that its options name included. */
export function allFilesOf(
  started: StartedWith,
  { listen, server, admin, sharedLimits }: Config,
): readonly string[] {
  const { certificate, key, clientCa, ticketKeyFile } = listen.tls;
  const { tls } = server;
  const named = [certificate, key, clientCa, ticketKeyFile, tls.ca, tls.certificate, tls.key];
  named.push(listen.previousPasswordFile, admin.tokenFile, sharedLimits.redisPasswordFile);
  return [...filesOf(started), ...named.filter((path) => path !== '')];
}

/** Those that are known without reading any. */
function filesOf({ file, environment }: StartedWith): readonly string[] {
  const password = environment['FAKTORY_PASSWORD'] ?? '';
  return [...(file === null ? [] : [file]), ...(password.startsWith('/') ? [password] : [])];
}

/** It was written nowhere, so it has no place. */
function refused(text: string, warnings: readonly string[] = []): Loaded {
  return { problems: [{ origin: { kind: 'default' }, text }], warnings };
}
