// A stand-in for the image that the Dockerfile begins with: this machine's own Node, a shell, npm, and
// the libraries that they load. Promise: made without root and without a registry of images. It is not
// the published base, and proves nothing about that one.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What the Dockerfile's commands and npm's scripts start. */
const PROGRAMS: Readonly<Record<string, string>> = {
  '/usr/local/bin/node': process.execPath,
  '/bin/sh': '/bin/sh',
  '/usr/bin/env': '/usr/bin/env',
};
/** As in the published base. */
const NPM = 'npm@11';
const MACHINE_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Where the base has the certificates of this machine. */
export const BASE_CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Makes the file system of the base in `root`; throws if npm cannot be had. */
export function makeStandInBase(root: string): void {
  mkdirSync(root, { recursive: true });
  for (const directory of ['tmp', 'root', 'usr/local/bin', 'etc/ssl/certs']) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  for (const [to, from] of Object.entries(PROGRAMS)) {
    copy(from, join(root, to));
    for (const library of librariesOf(from)) copy(library, join(root, library));
  }
  installNpm(root);
  const certificates = process.env['NODE_EXTRA_CA_CERTS'] ?? MACHINE_CERTIFICATES;
  if (existsSync(certificates)) copy(certificates, join(root, BASE_CERTIFICATES));
}

function installNpm(root: string): void {
  const into = join(root, 'npm-of-this-machine');
  run('npm', ['install', '--global', '--no-audit', '--no-fund', '--prefix', into, NPM]);
  cpSync(join(into, 'lib'), join(root, 'usr/local/lib'), { recursive: true });
  rmSync(into, { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
}

/** Paths, as the loader finds them. */
function librariesOf(program: string): readonly string[] {
  const output = run('ldd', [program]);
  return [...output.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(({ 1: path = '' }) => path);
}

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  cpSync(realpathSync(from), to);
}
