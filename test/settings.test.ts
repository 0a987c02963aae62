// What a reload applies. Promise: every option of the table is changed once; what the table calls
// reloadable is found in the settings that the rooms read, and everything else is named and kept.

import t from 'tap';
import { Limit } from '../src/base/limit.ts';
import { Live } from '../src/base/live.ts';
import { changesTo } from '../src/config/changes.ts';
import type { Config } from '../src/config/config.ts';
import { loadConfig } from '../src/config/load.ts';
import { OPTIONS, OPTION_KEYS, type OptionKey } from '../src/config/options.ts';
import { formatProblem } from '../src/config/problems.ts';
import { Settings } from '../src/settings.ts';

/** Texts that options of a kind may take beside their defaults; the first that is allowed is used. */
const OTHER_VALUES: Readonly<Record<string, readonly string[]>> = {
  integer: ['17', '18', '901', '20000'],
  duration: ['1100ms', '2s', '10s', '1m'],
  size: ['300MiB', '32MiB'],
  boolean: ['true', 'false'],
  'IP address': ['127.0.0.9'],
  'port range': ['20000-29999'],
  address: ['127.0.0.9:7000'],
  'address list': ['10.0.0.0/8'],
  'word list': ['ops'],
  'file mode': ['0660'],
  tags: ['a:b'],
  text: ['other.'],
};
const OWN_VALUES: Partial<Record<OptionKey, string>> = {
  processes: '3',
  'server.url': 'tcp://someone@127.0.0.9:7000',
  'redis.url': 'redis://127.0.0.9:6379',
  'statsd.url': 'udp://127.0.0.9:8125',
  'admin.token_file': '/token',
  'listen.previous_password_file': '/previous',
  'shared_limits.redis_password_file': '/previous',
};
/** What options name; without a certificate no file of TLS can be read. */
const FILES: Readonly<Record<string, string>> = {
  '/token': 'a-token-of-the-tests',
  '/previous': 's3cret',
};
/** They need others beside them, or files that openssl makes. */
const TRIED_ELSEWHERE =
  /^(?:listen|server)\.tls\.|^listen\.proxy_|^guard\.payload_bytes$|^shared_limits\.redis_url$/;
const KEYS = OPTION_KEYS.filter((key) => !TRIED_ELSEWHERE.test(key));

function configWith(values: Partial<Record<OptionKey, string>>, password = ''): Config {
  const loaded = load(values, password);
  if ('problems' in loaded) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.config;
}

function load(values: Partial<Record<OptionKey, string>>, password = '') {
  const flags = Object.entries(values).map(([key, text]) => ({
    flag: 'test',
    key: key as OptionKey,
    text,
  }));
  const environment = { FAKTORY_PASSWORD: password };
  return loadConfig({
    file: null,
    environment,
    flags,
    readFile: (path) => Buffer.from(FILES[path] ?? ''),
  });
}

/** A Config in which only `key` is not at its default. */
function configWithOther(key: OptionKey): Config {
  const { kind } = OPTIONS[key];
  const own = OWN_VALUES[key];
  const words = kind.type === 'word' ? kind.range.split(', ') : (OTHER_VALUES[kind.type] ?? []);
  for (const text of own === undefined ? words : [own]) {
    const loaded = load({ [key]: text });
    if ('config' in loaded && OPTIONS[key].differs(loaded.config, DEFAULTS)) return loaded.config;
  }
  throw new Error(`Cannot change ${key}: give its kind, or the option itself, another value here`);
}

/** Every value that the rooms read, as it is now. */
function inForce(settings: Settings): object {
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, read(value)]));
}

function read(value: unknown): unknown {
  if (value instanceof Live) return read(value.current);
  // Two settings have functions of their own.
  if (typeof value === 'function') return value.name;
  if (value instanceof Limit) return { value: value.value, isEnforced: value.isEnforced };
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Set || value instanceof Map) return [...value].map(read);
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, read(part)]));
}

const DEFAULTS = configWith({});

t.test('each reloadable option is in force after a reload, and no other has changed', async (t) => {
  for (const key of KEYS.filter((one) => OPTIONS[one].reloadable)) {
    const wanted = configWithOther(key);
    const { config, changed, needRestart } = changesTo(DEFAULTS, wanted);
    t.strictSame({ changed, needRestart }, { changed: [key], needRestart: [] }, key);
    t.strictSame(config, wanted, key);
    const settings = new Settings(DEFAULTS);
    const before = inForce(settings);
    settings.apply(config);
    t.notSame(inForce(settings), before, `${key} is read from the settings`);
    t.strictSame(inForce(settings), inForce(new Settings(wanted)), key);
  }
});

t.test('each other option is named, and its running value is kept', async (t) => {
  const others = KEYS.filter((one) => !OPTIONS[one].reloadable);
  t.ok(others.length > 5);
  for (const key of others) {
    const { config, changed, needRestart } = changesTo(DEFAULTS, configWithOther(key));
    t.strictSame({ changed, needRestart }, { changed: [], needRestart: [key] }, key);
    t.strictSame(config, DEFAULTS, key);
  }
});

t.test('a password is changed wherever it is written, and is not shown', async (t) => {
  for (const wanted of [
    configWith({ 'server.url': 'tcp://:s3cret@127.0.0.1:7419' }),
    configWith({}, 's3cret'),
  ]) {
    const { config, changed, needRestart } = changesTo(DEFAULTS, wanted);
    t.strictSame({ changed, needRestart }, { changed: ['FAKTORY_PASSWORD'], needRestart: [] });
    const settings = new Settings(DEFAULTS);
    settings.apply(config);
    t.equal(settings.client.current.password, 's3cret');
    t.equal(settings.server.current.password, 's3cret');
  }
});

t.test('another certificate at the same path is applied and named, on both sides', async (t) => {
  const certificate = { pem: Buffer.from('new'), expiresAtMs: 1 };
  const own = { certificate, key: Buffer.from('key') };
  const { listen, server } = DEFAULTS;
  const wanted: Config = {
    ...DEFAULTS,
    listen: {
      ...listen,
      tls: {
        ...listen.tls,
        loaded: { ...own, clientCa: null, minVersion: 'TLSv1.2', ticketSecret: null },
      },
    },
    server: { ...server, tls: { ...server.tls, loaded: { ca: null, own } } },
  };
  const { config, changed, needRestart } = changesTo(DEFAULTS, wanted);
  t.strictSame(changed, ['listen.tls.certificate', 'server.tls.certificate']);
  t.strictSame(needRestart, []);
  t.strictSame(config, wanted);
});

t.test('a server.url with TLS in place of one without it needs a restart', async (t) => {
  const wanted = configWith({ 'server.url': 'tcp+tls://127.0.0.1:7419' });
  const { config, needRestart } = changesTo(DEFAULTS, wanted);
  t.strictSame(needRestart, ['server.url']);
  t.equal(config.server.secure, false);
});

t.test('Faktory is dialled as the server.url asks that is kept', async (t) => {
  const secureOf = (running: Config, wanted: Config) => {
    const settings = new Settings(running);
    settings.apply(changesTo(running, wanted).config);
    return settings.server.current.secure?.serverName ?? null;
  };
  const secure = configWith({ 'server.url': 'tcp+tls://one.example.com:7419' });
  const elsewhere = configWith({ 'server.url': 'tcp+tls://two.example.com:7419' });
  t.equal(secureOf(DEFAULTS, secure), null, 'plain stays plain');
  t.equal(secureOf(secure, DEFAULTS), 'one.example.com', 'no hash of a password goes out in clear');
  t.equal(secureOf(secure, elsewhere), 'one.example.com', 'the name is that of the host in use');
});

t.test('server.tls needs a restart where server.url turns TLS on or off', async (t) => {
  const name = 'faktory.example.com';
  const secure = configWith({
    'server.url': 'tcp+tls://127.0.0.1:7419',
    'server.tls.server_name': name,
  });
  const { config, changed, needRestart } = changesTo(secure, DEFAULTS);
  t.strictSame(changed, []);
  t.strictSame(needRestart, ['server.url', 'server.tls.server_name']);
  t.equal(config.server.tls.serverName, name);
});

t.test('another operator token in the same file needs a restart', async (t) => {
  const { admin } = DEFAULTS;
  const wanted = { ...DEFAULTS, admin: { ...admin, token: 'another-token-of-the-tests' } };
  const { config, changed, needRestart } = changesTo(DEFAULTS, wanted);
  t.strictSame({ changed, needRestart }, { changed: [], needRestart: ['admin.token_file'] });
  t.equal(config.admin.token, admin.token);
});

t.test('the same configuration changes nothing', async (t) => {
  const { changed, needRestart } = changesTo(DEFAULTS, configWith({}));
  t.strictSame({ changed, needRestart }, { changed: [], needRestart: [] });
});

t.test('a value that cannot work beside one that is kept is a contradiction', async (t) => {
  const running = configWith({ mode: 'pooled' });
  const wanted = configWith({
    mode: 'pooled',
    'pool.command_connections': '2',
    'limits.server_connections': '10',
    'limits.producer_reserve': '3',
  });
  const { contradictions } = changesTo(running, wanted);
  t.equal(contradictions.length, 1);
  t.match(
    contradictions[0],
    /limits\.server_connections 10.*keeps the running value of pool\.command_connections\.$/,
  );
});
