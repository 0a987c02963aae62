// The systemd units and the Debian package, checked by systemd's and Debian's own tools.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { buildPackage } from '../../tools/debian-package.ts';
import { loadConfig } from '../../src/config/load.ts';
import { VERSION } from '../../src/version.ts';
import { findProgram, skipOrFail } from '../support/find-faktory.ts';

const root = join(import.meta.dirname, '../..');
const unit = join(root, 'deploy/systemd/faktory-bouncer.service');
/** systemd's own scale: 0 is closed, 10 is open. */
const EXPOSURE_MAX = 2;

const unitText = readFileSync(unit, 'utf8');
const valueOf = (key: string): string =>
  new RegExp(`^${key}=(.*)$`, 'm').exec(unitText)?.[1] ?? `no ${key}`;

const without = (program: string): { skip?: string } => {
  if (findProgram(program) !== undefined) return {};
  skipOrFail(t, `Cannot test this: found no ${program} on PATH`);
  return { skip: program };
};

t.test('the sandbox of the unit leaves little open', without('systemd-analyze'), async (t) => {
  const args = ['security', '--offline=true', unit];
  const { stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  const [, exposure] = /Overall exposure level for .*: ([\d.]+)/.exec(stdout) ?? [];
  t.ok(Number(exposure) <= EXPOSURE_MAX, `exposure level ${exposure}`);
});

t.test('the unit gives the bouncer the files and the time that it needs', async (t) => {
  const sources = { environment: {}, flags: [], readFile: () => new Uint8Array() };
  const loaded = loadConfig({ ...sources, file: null });
  if ('problems' in loaded) throw new Error('the defaults are wrong');
  const { limits, drainDelayMs, drainTimeoutMs } = loaded.config;
  t.ok(Number(valueOf('LimitNOFILE')) >= limits.clients + limits.serverConnections + 1128);
  t.ok(Number(valueOf('TimeoutStopSec')) * 1000 >= drainDelayMs + drainTimeoutMs + 10_000);
  t.equal(valueOf('KillMode'), 'mixed');
});

t.test('the Debian package holds what the unit starts', without('dpkg-deb'), async (t) => {
  if (!existsSync(join(root, 'dist/main.js'))) throw new Error('run npm run build');
  const directory = mkdtempSync(join(tmpdir(), 'deb-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const file = buildPackage(root, directory);
  const unpacked = join(directory, 'unpacked');
  execFileSync('dpkg-deb', ['-x', file, unpacked]);
  const [program = '', flag = '', config = ''] = valueOf('ExecStart').split(' ');
  t.equal(flag, '--config');
  const run = (args: readonly string[]): string =>
    execFileSync(process.execPath, [join(unpacked, program), ...args], { encoding: 'utf8' });
  t.equal(run(['--version']).trim(), VERSION);
  t.match(run(['check', join(unpacked, config)]), /^listen:/);
  const field = (name: string): string =>
    execFileSync('dpkg-deb', ['-f', file, name], { encoding: 'utf8' }).trim();
  t.equal(field('Version'), VERSION);
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    readonly engines: { readonly node: string };
  };
  t.equal(field('Depends'), `nodejs (${engines.node.replace('>=', '>= ')})`);
  t.ok(existsSync(join(unpacked, 'usr/lib/systemd/system/faktory-bouncer.service')));
  t.ok(existsSync(join(unpacked, 'usr/lib/faktory-bouncer/dist/page/page.js')));
  t.ok(existsSync(join(unpacked, 'usr/share/doc/faktory-bouncer/deploy/prometheus/alerts.yaml')));
  const [, page, section] = /^man:(.*)\((\d)\)$/.exec(valueOf('Documentation')) ?? [];
  t.ok(existsSync(join(unpacked, `usr/share/man/man${section}/${page}.${section}`)), 'the manual');
});
