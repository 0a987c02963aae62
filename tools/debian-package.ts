// Builds a Debian package of what `npm run build` has made: the program with its run-time packages, the
// systemd units, the configuration and the documentation. Needs dpkg-deb.
//
// Usage: npm run build && npm run --silent deb [-- --out DIR]

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { renderCompletion } from '../src/config/completion.ts';
import type { Shell } from '../src/config/flags.ts';
import { type Lock, readLock } from './lock-file.ts';

const HOME = 'usr/lib/faktory-bouncer';
const DOCS = 'usr/share/doc/faktory-bouncer';
const UNITS = 'usr/lib/systemd/system';
const CONFIG = 'etc/faktory-bouncer/config.yaml';

/** What is copied as it is: from the project's root, to the package's. */
const COPIES: Readonly<Record<string, string>> = {
  dist: `${HOME}/dist`,
  'package.json': `${HOME}/package.json`,
  'config/faktory-bouncer.yaml': CONFIG,
  'deploy/systemd': UNITS,
  docs: `${DOCS}/docs`,
  'docs/man/faktory-bouncer.1': 'usr/share/man/man1/faktory-bouncer.1',
  'docs/man/faktory-bouncer.yaml.5': 'usr/share/man/man5/faktory-bouncer.yaml.5',
  'deploy/prometheus/alerts.yaml': `${DOCS}/deploy/prometheus/alerts.yaml`,
  'deploy/grafana/faktory-bouncer.json': `${DOCS}/deploy/grafana/faktory-bouncer.json`,
  'README.md': `${DOCS}/README.md`,
  'CHANGELOG.md': `${DOCS}/CHANGELOG.md`,
  LICENSE: `${DOCS}/copyright`,
};

/** Where shells look for completions. */
const COMPLETIONS = {
  'usr/share/bash-completion/completions/faktory-bouncer': 'bash',
  'usr/share/zsh/vendor-completions/_faktory-bouncer': 'zsh',
  'usr/share/fish/vendor_completions.d/faktory-bouncer.fish': 'fish',
} as const satisfies Readonly<Record<string, Shell>>;

/** Makes systemd see the unit; starts nothing, since the configuration is to be read first. */
const RELOAD_SYSTEMD = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
`;

/** Builds the package of the checkout in `root` into the directory `out`; returns its path. */
export function buildPackage(root: string, out: string): string {
  if (!existsSync(join(root, 'dist/main.js'))) {
    throw new Error('Cannot build the package: dist/main.js is missing; run npm run build');
  }
  const lock = readLock(root);
  const staging = mkdtempSync(join(tmpdir(), 'faktory-bouncer-deb-'));
  try {
    stage(root, staging, lock);
    const file = join(out, `faktory-bouncer_${lock.version}_all.deb`);
    const args = ['--root-owner-group', '-Zxz', '--build', staging, file];
    const { status, stderr, error } = spawnSync('dpkg-deb', args, { encoding: 'utf8' });
    if (status !== 0) {
      throw new Error(`Cannot build the package: dpkg-deb: ${error?.message ?? stderr.trim()}`);
    }
    return file;
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function stage(root: string, staging: string, lock: Lock): void {
  for (const [from, to] of Object.entries(COPIES)) copy(join(root, from), join(staging, to));
  for (const { isDev, isOptional, paths } of lock.packages) {
    // Optional ones are built for one kind of machine each; the package is for all.
    if (isDev || isOptional) continue;
    for (const path of paths) copy(join(root, path), join(staging, HOME, path));
  }
  // npm would make it executable when it installs the package.
  chmodSync(join(staging, HOME, 'dist/main.js'), 0o755);
  mkdirSync(join(staging, 'usr/bin'), { recursive: true });
  for (const [path, shell] of Object.entries(COMPLETIONS)) {
    mkdirSync(dirname(join(staging, path)), { recursive: true });
    writeFileSync(join(staging, path), renderCompletion(shell));
  }
  symlinkSync('../lib/faktory-bouncer/dist/main.js', join(staging, 'usr/bin/faktory-bouncer'));
  const control = join(staging, 'DEBIAN');
  mkdirSync(control);
  writeFileSync(join(control, 'control'), controlOf(lock, kibibytes(staging)));
  writeFileSync(join(control, 'conffiles'), `/${CONFIG}\n`);
  for (const script of ['postinst', 'postrm']) {
    writeFileSync(join(control, script), RELOAD_SYSTEMD, { mode: 0o755 });
  }
}

function controlOf({ version }: Lock, size: number): string {
  return `Package: faktory-bouncer
Version: ${version}
Architecture: all
Section: net
Priority: optional
Maintainer: The faktory-bouncer authors
Depends: nodejs (>= 24.12)
Installed-Size: ${size}
Description: connection-governing proxy in front of a Faktory 1.7 job server
 Counts and caps client connections, lets overflow wait or refuses it in the
 protocol, and shares few server connections among many clients.
`;
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(from, to, { recursive: true });
}

function kibibytes(directory: string): number {
  const { stdout } = spawnSync('du', ['-sk', directory], { encoding: 'utf8' });
  return Number.parseInt(stdout, 10);
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string', default: '.' } } });
  const root = join(import.meta.dirname, '..');
  const file = buildPackage(root, values.out);
  process.stdout.write(`${file}: ${Math.round(statSync(file).size / 1024)} KiB\n`);
}
