// The systemd units and the Debian package, checked by systemd's and Debian's own tools.

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { buildPackage } from '../../tools/debian-package.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatAddress } from '../../src/config/units.ts';
import { VERSION } from '../../src/version.ts';
import { findProgram, skipOrFail } from '../support/find-faktory.ts';

const root = join(import.meta.dirname, '../..');
const unit = join(root, 'deploy/systemd/faktory-bouncer.service');
/** systemd's own scale: 0 is closed, 10 is open. */
const EXPOSURE_MAX = 2;

const unitText = readFileSync(unit, 'utf8');
const valueOf = (key: string): string =>
  new RegExp(`^${key}=(.*)$`, 'm').exec(unitText)?.[1] ?? `no ${key}`;

function defaults(): Config {
  const sources = { environment: {}, flags: [], readFile: () => new Uint8Array() };
  const loaded = loadConfig({ ...sources, file: null });
  if ('problems' in loaded) throw new Error('the defaults are wrong');
  return loaded.config;
}

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

t.test('systemd reads both units without a word', without('systemd-analyze'), async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'units-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const verified = (change: (text: string) => string): string => {
    const paths = ['service', 'socket'].map((kind) => {
      const path = join(directory, `faktory-bouncer.${kind}`);
      const text = readFileSync(unit.replace(/service$/, kind), 'utf8');
      // The program is not installed here.
      writeFileSync(path, change(text.replace(/^(ExecStart=)\S+/m, `$1${process.execPath}`)));
      return path;
    });
    const args = ['verify', '--man=no', ...paths];
    const { stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    // It reads the units of the machine too.
    return `${stdout}${stderr}`.split('\n').filter(isAboutOurs).join('\n');
  };
  const isAboutOurs = (line: string): boolean => line.includes('faktory-bouncer');
  t.equal(
    verified((text) => text),
    '',
  );
  t.match(
    verified((text) => text.replace('Backlog=', 'Backlok=')),
    'Backlok',
  );
});

t.test('the socket unit listens where the bouncer would', async (t) => {
  const socket = readFileSync(unit.replace(/service$/, 'socket'), 'utf8');
  const { listen } = defaults();
  t.match(socket, `\nListenStream=${formatAddress(listen.address)}\n`);
  t.match(socket, `\nBacklog=${listen.backlog}\n`);
});

t.test('the unit gives the bouncer the files and the time that it needs', async (t) => {
  const { limits, drainDelayMs, drainTimeoutMs } = defaults();
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
  for (const kind of ['service', 'socket']) {
    t.ok(existsSync(join(unpacked, `usr/lib/systemd/system/faktory-bouncer.${kind}`)), kind);
  }
  t.ok(existsSync(join(unpacked, 'usr/lib/faktory-bouncer/dist/page/page.js')));
  t.ok(existsSync(join(unpacked, 'usr/share/doc/faktory-bouncer/deploy/prometheus/alerts.yaml')));
  const [, page, section] = /^man:(.*)\((\d)\)$/.exec(valueOf('Documentation')) ?? [];
  t.ok(existsSync(join(unpacked, `usr/share/man/man${section}/${page}.${section}`)), 'the manual');
});
