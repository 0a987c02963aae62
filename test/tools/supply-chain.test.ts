// What the project depends on: the lock, the bill of materials made of it, licences and advisories.

import t from 'tap';
import { BUNDLED } from '../../page/bundled.ts';
import { readAudit } from '../../tools/audit.ts';
import { parseLock, PERMITTED, readLock } from '../../tools/lock-file.ts';
import { renderSbom } from '../../tools/sbom.ts';

const lock = readLock('.');

interface Sbom {
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly scope: string;
    readonly purl: string;
    readonly hashes: readonly { readonly content: string }[];
  }[];
}

t.test('every package of the lock has a checksum and a permitted licence', async (t) => {
  t.ok(lock.packages.length > 100, `${lock.packages.length} packages`);
  for (const { name, licence, sha512 } of lock.packages) {
    t.match(sha512, /^[0-9a-f]{128}$/, name);
    t.ok(licence !== null && PERMITTED.has(licence), `${name}: ${licence}`);
  }
});

t.test('the bill of materials lists every package of the lock', async (t) => {
  const { components } = JSON.parse(renderSbom(lock, false)) as Sbom;
  t.equal(components.length, lock.packages.length);
  t.equal(new Set(components.map(({ purl }) => purl)).size, components.length);
  for (const { hashes } of components) t.equal(hashes.length, 1);
  const scoped = components.find(({ name }) => name === '@types/node');
  t.equal(scoped?.purl, `pkg:npm/%40types/node@${scoped?.version}`);
});

t.test('without development packages it lists what runs', async (t) => {
  const { components } = JSON.parse(renderSbom(lock, true)) as Sbom;
  const names = components.map(({ name }) => name);
  for (const direct of [
    'ioredis',
    'pino',
    'prom-client',
    'yaml',
    'zod',
    'debug',
    'ms',
    ...BUNDLED,
  ]) {
    t.ok(names.includes(direct), direct);
  }
  t.notOk(names.includes('tap'));
  t.ok(components.every(({ scope }) => scope === 'required' || scope === 'optional'));
  t.equal(components.find(({ name }) => name === 'koffi')?.scope, 'optional');
  t.equal(components.find(({ name }) => name === 'yaml')?.scope, 'required');
});

t.test('a package in two places is listed once, and runs if one of them does', async (t) => {
  const entry = { version: '1.0.0', license: 'MIT' };
  const packages = {
    '': { name: 'p', version: '1.0.0' },
    'node_modules/a': { ...entry, dev: true },
    'node_modules/b/node_modules/a': entry,
    'node_modules/b/node_modules/@s/c': entry,
  };
  const { packages: found } = parseLock(JSON.stringify({ lockfileVersion: 3, packages }));
  t.same(
    found.map(({ name, isDev }) => [name, isDev]),
    [
      ['@s/c', false],
      ['a', false],
    ],
  );
  t.throws(() => parseLock('{"lockfileVersion":1}'), /lockfileVersion 3/);
});

t.test('findings fail, low ones pass, and a registry out of reach is told apart', async (t) => {
  const finding = { severity: 'high', range: '<2', via: [{ title: 'Prototype pollution' }] };
  t.same(readAudit(JSON.stringify({ vulnerabilities: {} })), { kind: 'clean' });
  t.same(readAudit(JSON.stringify({ vulnerabilities: { a: finding } })), {
    kind: 'found',
    lines: ['a <2 (high): Prototype pollution'],
  });
  const low = { ...finding, severity: 'low' };
  t.same(readAudit(JSON.stringify({ vulnerabilities: { a: low } })), { kind: 'clean' });
  t.same(readAudit('{"message":"405 Method Not Allowed"}'), {
    kind: 'not_asked',
    reason: '405 Method Not Allowed',
  });
  t.match(readAudit(''), { kind: 'not_asked' });
});
