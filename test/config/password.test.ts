// Faktory's URL and password, and that neither is ever shown.

import t from 'tap';

import { renderEffective } from '../../src/config/effective.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Sources } from '../../src/config/load.ts';
import { readPassword } from '../../src/config/password.ts';
import { formatProblem } from '../../src/config/problems.ts';
import { formatRedisUrl, parseServerUrl, refuseRedisUrl } from '../../src/config/urls.ts';

const NO_FILE: Sources['readFile'] = () => {
  throw Object.assign(new Error('no'), { code: 'ENOENT' });
};

function load(url: string | null, password?: string): ReturnType<typeof loadConfig> {
  const text = url === null ? '{}' : `server:\n  url: ${JSON.stringify(url)}\n`;
  const environment = { FAKTORY_PASSWORD: password };
  return loadConfig({ file: { name: 'x', text }, environment, flags: [], readFile: NO_FILE });
}

/** What a file with this text gives. */
function reading(text: string): ReturnType<typeof readPassword> {
  return readPassword('/f', () => Buffer.from(text));
}

t.test('server.url is read as FAKTORY_URL is', (t) => {
  const address = { host: 'h', port: 1 };
  t.strictSame(parseServerUrl('tcp://h:1'), { address, secure: false, username: '', password: '' });
  t.strictSame(parseServerUrl('tcp://:p%40w@h:1/'), {
    address,
    secure: false,
    username: '',
    password: 'p@w',
  });
  t.strictSame(parseServerUrl('tcp://u:p:q@h:1'), {
    address,
    secure: false,
    username: 'u',
    password: 'p:q',
  });
  t.match(parseServerUrl('tcp://[::1]:7419'), { address: { host: '::1', port: 7419 } });
  t.match(parseServerUrl('TCP://h:1'), { address });
  t.end();
});

t.test('no refusal of a URL quotes it', (t) => {
  for (const [url, reason] of [
    ['tls://:s3cret@h:1', /does not start with tcp/],
    ['http://:s3cret@h:1', /does not start with tcp:\/\//],
    [':s3cret@h:1', /does not start with tcp:\/\//],
    ['tcp://:s3cret@h', /no port/],
    ['tcp://:s3cret@h:0', /no usable host and port/],
    ['tcp://:s3cret@h:99999', /not a URL/],
    ['tcp://:s3cret@:1', /not a URL/],
    ['tcp://:s3cret/x@h:1', /not a URL|percent-encoded/],
    ['tcp://:s3cret@h:1/path', /text after the port/],
    ['tcp://:s3cret@h:1?x', /text after the port/],
    ['tcp://:s3cret%@h:1', /write it as %25/],
  ] as const) {
    const loaded = load(url);
    const text = 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : 'accepted';
    t.match(text, reason, url);
    t.notMatch(text, /s3cret/, url);
  }
  for (const url of [
    'http://:s3cret@h',
    'redis://:s3cret@h?a=b',
    's3cret',
    'redis://',
    'unix://s3cret/a',
  ]) {
    const refused = refuseRedisUrl(url)?.refused ?? 'accepted';
    t.match(refused, /write redis:\/\//, url);
    t.notMatch(refused, /s3cret/, url);
  }
  t.end();
});

t.test('Redis may be at a URL, a socket, or nowhere', (t) => {
  for (const url of [
    '',
    '/run/redis.sock',
    'unix:///run/redis.sock',
    'redis://:p@h:1/0',
    'rediss://h',
  ]) {
    t.equal(refuseRedisUrl(url), null, url);
  }
  t.end();
});

t.test('the password of the URL goes before FAKTORY_PASSWORD', (t) => {
  for (const [url, variable, expected] of [
    [null, undefined, ''],
    [null, 'env', 'env'],
    ['tcp://:url@h:1', 'env', 'url'],
    ['tcp://:url@h:1', '/no/such/file', 'url'],
    ['tcp://user@h:1', 'env', 'env'],
  ] as const) {
    const loaded = load(url, variable);
    t.equal('config' in loaded ? loaded.config.server.password : 'refused', expected);
  }
  t.end();
});

t.test('a value that starts with a slash names a file, trimmed as Go trims', (t) => {
  t.strictSame(reading(' \tfoo bar\r\n\u0085\u00a0'), { password: 'foo bar', warning: null });
  t.strictSame(
    reading('\ufefffoo\n'),
    { password: '\ufefffoo', warning: null },
    'U+FEFF is no white space in Go',
  );
  t.strictSame(
    readPassword(' x ', NO_FILE),
    { password: ' x ', warning: null },
    'a value itself is not trimmed, as in Faktory',
  );
  t.match(
    readPassword('/f', () => Buffer.from([0xff])),
    { refused: /not UTF-8/ },
  );
  const loaded = load(null, '/no/such/file');
  const problem = 'problems' in loaded ? loaded.problems.map(formatProblem)[0] : undefined;
  t.match(problem, /^environment variable FAKTORY_PASSWORD: Cannot read the file .*ENOENT/);
  t.end();
});

t.test('an empty password file means no password, and is warned about', (t) => {
  for (const text of ['', '\n', ' \r\n\u0085']) {
    t.match(reading(text), {
      password: '',
      warning: /^The file "\/f", .* is empty, so there is no/,
    });
  }
  const loaded = loadConfig({
    file: null,
    environment: { FAKTORY_PASSWORD: '/f' },
    flags: [],
    readFile: () => Buffer.from('\n'),
  });
  t.ok('config' in loaded);
  t.match(loaded.warnings, [/FAKTORY_PASSWORD names, is empty/]);
  const refused = loadConfig({
    file: { name: 'x', text: 'mode: x' },
    environment: { FAKTORY_PASSWORD: '/f' },
    flags: [],
    readFile: () => Buffer.from('\n'),
  });
  t.ok('problems' in refused);
  t.equal(refused.warnings.length, 1);
  t.strictSame(load(null, '').warnings, [], 'an empty value is what Faktory takes for none');
  t.end();
});

t.test('the effective configuration hides every password and reads back', (t) => {
  const text = 'server: { url: "tcp://u:s3cret@h:1" }\nredis: { url: "redis://a:s3cret@h:2/0" }\n';
  const sources = { environment: {}, flags: [], readFile: NO_FILE };
  const loaded = loadConfig({ ...sources, file: { name: 'x', text } });
  if ('problems' in loaded) throw new Error('refused');
  const shown = renderEffective(loaded.config);
  t.notMatch(shown, /s3cret/);
  t.match(shown, 'url: tcp://u:****@h:1\n');
  t.match(shown, 'url: redis://a:****@h:2/0\n');
  const again = loadConfig({ ...sources, file: { name: 'x', text: shown } });
  t.ok('config' in again && renderEffective(again.config) === shown);
  const fromEnvironment = load(null, 's3cret');
  if ('problems' in fromEnvironment) throw new Error('refused');
  t.match(renderEffective(fromEnvironment.config), 'url: tcp://:****@127.0.0.1:7419\n');
  t.equal(formatRedisUrl('/run/redis.sock'), '/run/redis.sock');
  t.end();
});
