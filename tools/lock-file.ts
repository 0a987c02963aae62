// package-lock.json as values. Promise: every package that the lock names, once, with what the lock
// says of it; a lock in another form is an error.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The licences that a package of this project may have, as SPDX expressions. */
export const PERMITTED: ReadonlySet<string> = new Set([
  // tslib, which Grafana's types bring for development.
  '0BSD',
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'CC0-1.0',
  'CC-BY-3.0',
  // Of axe-core, which only a test loads.
  'MPL-2.0',
  '(MIT OR CC0-1.0)',
  '(WTFPL OR MIT)',
]);

/** Packages whose lock entry names no licence, with the one that their own LICENSE file gives. */
export const KNOWN_LICENCES: Readonly<Record<string, string>> = { 'jsonc-simple-parser': 'MIT' };

export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression; null where neither the lock nor KNOWN_LICENCES has one. */
  readonly licence: string | null;
  /** SHA-512 of the archive, in hexadecimal; null where the lock has none. */
  readonly sha512: string | null;
  /** Whether only development needs it. */
  readonly isDev: boolean;
  /** Whether the program works without it; a machine may not have it. */
  readonly isOptional: boolean;
  /** Where npm puts it, from the project's root. */
  readonly paths: readonly string[];
}

export interface Lock {
  readonly name: string;
  readonly version: string;
  /** By name and version, without duplicates. */
  readonly packages: readonly LockedPackage[];
}

interface Entry {
  readonly name?: string;
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly link?: boolean;
}

/** Reads the lock of the checkout in `directory`; throws where it is missing or has another form. */
export function readLock(directory: string): Lock {
  return parseLock(readFileSync(join(directory, 'package-lock.json'), 'utf8'));
}

export function parseLock(text: string): Lock {
  const { lockfileVersion, packages } = JSON.parse(text) as {
    lockfileVersion?: number;
    packages?: Record<string, Entry>;
  };
  const root = packages?.[''];
  if (lockfileVersion !== 3 || packages === undefined || root === undefined) {
    throw new Error(
      'Cannot read package-lock.json: expected lockfileVersion 3; use npm 9 or newer',
    );
  }
  const found = new Map<string, LockedPackage>();
  for (const [path, entry] of Object.entries(packages)) {
    if (path === '' || entry.link === true) continue;
    const one = lockedPackage(path, entry);
    const key = `${one.name}@${one.version}`;
    const before = found.get(key);
    found.set(key, before === undefined ? one : inBothPlaces(before, one));
  }
  const sorted = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
  return { name: root.name ?? '', version: root.version ?? '', packages: sorted };
}

/** The same package in two places runs if one of them does. */
function inBothPlaces(before: LockedPackage, one: LockedPackage): LockedPackage {
  return {
    ...one,
    isDev: before.isDev && one.isDev,
    isOptional: before.isOptional && one.isOptional,
    paths: [...before.paths, ...one.paths],
  };
}

function lockedPackage(path: string, entry: Entry): LockedPackage {
  const name = entry.name ?? path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  const { version = '', license, integrity, dev = false, optional = false } = entry;
  return {
    name,
    version,
    licence: license ?? KNOWN_LICENCES[name] ?? null,
    sha512: integrity?.startsWith('sha512-') === true ? hex(integrity.slice(7)) : null,
    isDev: dev,
    isOptional: optional,
    paths: [path],
  };
}

function hex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
