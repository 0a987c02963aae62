// The loader: every kind of problem with its place, and who overrules whom.

import t from 'tap';

import { LOG_LEVELS } from '../../src/config/config.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { FlagValue, Sources } from '../../src/config/load.ts';
import { OPTIONS, OPTION_KEYS, variableOf } from '../../src/config/options.ts';
import { formatProblem } from '../../src/config/problems.ts';
import { FILE_BYTES_MAX } from '../../src/config/yaml-source.ts';
import { LOG_LEVELS as OBSERVED_LOG_LEVELS } from '../../src/observe/log.ts';

const NO_FILE: Sources['readFile'] = () => {
  throw new Error('nothing may be read');
};

function load(
  text: string | null,
  environment: Sources['environment'] = {},
  flags: readonly FlagValue[] = [],
): ReturnType<typeof loadConfig> {
  const file = text === null ? null : { name: 'x.yaml', text };
  return loadConfig({ file, environment, flags, readFile: NO_FILE });
}

function configOf(...args: Parameters<typeof load>): Config {
  const loaded = load(...args);
  if ('problems' in loaded) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.config;
}

function problemsOf(...args: Parameters<typeof load>): readonly string[] {
  const loaded = load(...args);
  return 'problems' in loaded ? loaded.problems.map(formatProblem) : [];
}

const DEFAULTS: Config = {
  listen: {
    address: { host: '127.0.0.1', port: 7519 },
    backlog: 4096,
    reusePort: false,
    allow: [],
    deny: [],
    previousPasswordFile: '',
    previousPassword: '',
    proxyProtocol: 'off',
    proxyTrusted: [],
    tls: {
      certificate: '',
      key: '',
      clientCa: '',
      minVersion: 'TLSv1.2',
      ticketKeyFile: '',
      loaded: null,
    },
  },
  server: {
    address: { host: '127.0.0.1', port: 7419 },
    username: '',
    password: '',
    bindAddress: '',
    sourcePorts: null,
    connectTimeoutMs: 2000,
    answerTimeoutMs: 60_000,
    infoIntervalMs: 5000,
    secure: false,
    tls: { ca: '', serverName: '', certificate: '', key: '', loaded: null },
  },
  processes: 1,
  mode: 'session',
  limits: {
    clients: 10_000,
    handshakes: 1000,
    serverConnections: 900,
    producerReserve: 90,
    fetchesInFlight: 800,
    commandsInFlight: 500,
    adaptive: false,
    adaptiveMin: 16,
    perWorker: 0,
    perAddress: 0,
    idleTimeoutMs: 0,
    bufferedBytes: 268_435_456,
    evict: 'none',
  },
  waitingLine: { size: 1000, timeoutMs: 4000 },
  refusalDelayMs: 0,
  handshakeTimeoutMs: 2000,
  maxCommandBytes: 16_777_216,
  keepaliveMs: 20_000,
  writeStallTimeoutMs: 30_000,
  drainTimeoutMs: 25_000,
  drainDelayMs: 0,
  observeOnly: false,
  reloadOnChange: false,
  pool: {
    commandConnections: 16,
    fetchesPerWorker: 8,
    fetchesPerWorkerMax: 800,
    bulkPush: true,
    outageWaitMs: 4000,
    lingerMs: 2000,
    holdMs: 5000,
  },
  writes: { lateReply: 'on', hang: 'on', refused: 'on', probeIntervalMs: 1000 },
  guard: {
    bareVerb: 'block',
    queueArguments: 'block',
    reservedQueue: 'block',
    flush: 'off',
    mutate: 'off',
    queueRemove: 'off',
    trustedAddresses: [],
    trustedUsernames: [],
    payloadSize: 'off',
    payloadBytes: 1_048_576,
    commandRate: 'off',
    workerCommands: 1000,
    addressCommands: 5000,
    connectionRate: 'off',
    workerConnections: 20,
    addressConnections: 100,
  },
  sharedLimits: {
    redisUrl: '',
    redisPasswordFile: '',
    redisPassword: '',
    key: 'faktory-bouncer',
    replicasExpected: 0,
    guaranteed: 20,
    block: 16,
    expiryMs: 10_000,
  },
  redis: { url: '', intervalMs: 5000 },
  admin: {
    address: { host: '127.0.0.1', port: 7421 },
    socketMode: 0o600,
    tokenFile: '',
    token: '',
  },
  metrics: { jobs: 'off', jobsMax: 20 },
  statsd: {
    target: null,
    intervalMs: 10_000,
    prefix: 'faktory_bouncer.',
    tags: [],
    legacyNames: 'none',
    legacyPrefix: 'faktory.',
  },
  log: { level: 'info', connections: 'off', connectionsSample: 100, connectionsPerSecond: 100 },
};

t.test('no file, one of comments and {} mean all defaults', (t) => {
  for (const text of [null, '{}', '# nothing\n', '---\n', 'limits:\npool:\n', '~']) {
    t.strictSame(configOf(text), DEFAULTS, JSON.stringify(text));
  }
  t.strictSame(LOG_LEVELS, OBSERVED_LOG_LEVELS, 'the log knows the levels that can be configured');
  t.end();
});

const WRONG: readonly (readonly [text: string, ...problems: RegExp[]])[] = [
  // A full disk, or a write that was interrupted, leaves such a file.
  ['', /^x\.yaml:1:1: Cannot use an empty file\. Write \{\} into it to ask for all defaults\.$/],
  ['\n', /an empty file/],
  ['\uFEFF \r\n\t\n', /an empty file/],
  [
    'limits:\n  client: 5\n',
    /^x\.yaml:2:3: Cannot use limits\.client: .*Did you mean limits\.clients\?$/,
  ],
  ['clients: 5\n', /^x\.yaml:1:1: .*Did you mean limits\.clients\?$/],
  ['waiting-line:\n  size: 5\n', /^x\.yaml:1:1: .*Did you mean waiting_line\?$/],
  ['limits:\n  zzzzzzzzzzz: 5\n', /^x\.yaml:2:3: .*Known here: clients, handshakes, /],
  ['__proto__:\n  a: 1\n', /^x\.yaml:1:1: Cannot use __proto__: there is no such option/],
  ['limits:\n  __proto__: 1\n', /^x\.yaml:2:3: Cannot use limits\.__proto__/],
  ['constructor: 1\n', /^x\.yaml:1:1: Cannot use constructor/],
  ['"a\\nb": 1\n', /^x\.yaml:1:1: Cannot use "a\\nb": there is no such option/],
  [
    'waiting_line:\n  timeout: 4\n',
    /^x\.yaml:2:12: .*found 4; allowed is 100ms to 1m, .*ms, s, m or h$/,
  ],
  ['waiting_line: { timeout: 4sec }\n', /^x\.yaml:1:26: .*found "4sec"; /],
  ['waiting_line: { timeout: 61s }\n', /^x\.yaml:1:26: .*found "61s"; allowed is 100ms to 1m/],
  ['max_command_bytes: 16mb\n', /^x\.yaml:1:20: .*found "16mb"; .*B, KiB, MiB, GiB, kB, MB or GB$/],
  ['max_command_bytes: 1023B\n', /found "1023B"; allowed is 1KiB to 1GiB/],
  ['limits: { adaptive_min: 0 }\n', /found 0; allowed is a whole number from 1 to 100000$/],
  [
    'limits:\n  clients: 0\n',
    /^x\.yaml:2:12: .*found 0; allowed is a whole number from 1 to 1000000$/,
  ],
  [
    'listen: { proxy_trusted: ten }\n',
    /^x\.yaml:1:26: Cannot use listen\.proxy_trusted: found "ten"; /,
  ],
  [
    'listen: { proxy_trusted: [10.0.0.1/8] }\n',
    /^x\.yaml:1:26: Cannot use listen\.proxy_trusted: found "10\.0\.0\.1\/8"; the address has bits behind the prefix/,
  ],
  [
    'listen: { proxy_trusted: [[10.0.0.1]] }\n',
    /^x\.yaml:1:26: Cannot use listen\.proxy_trusted: found a list; write a single value/,
  ],
  [
    'listen: { proxy_protocol: required }\n',
    /^x\.yaml:1:27: Cannot use listen\.proxy_protocol required with an empty listen\.proxy_trusted/,
  ],
  ['limits: { clients: many }\n', /^x\.yaml:1:20: .*found "many"; allowed is a whole number/],
  ['limits: { clients: 1.5 }\n', /found 1\.5; allowed is a whole number/],
  ['limits: { clients: 1e400 }\n', /found Infinity; /],
  ['limits: { clients: "5" }\n', /found "5"; /],
  ['limits:\n  clients:\n', /^x\.yaml:2:3: Cannot use limits\.clients: found no value; /],
  ['limits: { clients: [1] }\n', /^x\.yaml:1:20: .*found a list; write a single value/],
  ['limits: { clients: { a: 1 } }\n', /^x\.yaml:1:20: .*found a section; write a single value/],
  [
    'limits: 5\n',
    /^x\.yaml:1:9: Cannot use limits: it is a section; write its options indented below it: clients, /,
  ],
  ['observe_only: yes\n', /^x\.yaml:1:15: .*found "yes"; allowed is true or false$/],
  ['mode: shared\n', /^x\.yaml:1:7: .*found "shared"; allowed is one of session, pooled$/],
  ['log: { level: loud }\n', /^x\.yaml:1:15: .*allowed is one of fatal, error, /],
  ['metrics: { jobs_max: 201 }\n', /allowed is a whole number from 1 to 200$/],
  ['metrics: { jobs: yes }\n', /found "yes"; allowed is one of off, on$/],
  ['log: { connections: some }\n', /^x\.yaml:1:21: .*allowed is one of off, sampled, all$/],
  ['log: { connections_sample: 0 }\n', /allowed is a whole number from 1 to 1000000$/],
  ['log: { connections_per_second: 0 }\n', /allowed is a whole number from 1 to 100000$/],
  ['listen: { address: 7519 }\n', /^x\.yaml:1:20: .*found 7519; allowed is host:port/],
  ['listen: { address: "1.2.3.400:1" }\n', /found "1\.2\.3\.400:1"; /],
  ['listen: { address: "a:65536" }\n', /found "a:65536"; /],
  ['listen:\n  address: [::1]:7519\n', /^x\.yaml:2:17: Cannot read the YAML: .*put quotes around/],
  ['mode: session\nmode: pooled\n', /^x\.yaml:2:1: Cannot set mode twice: line 1 has it too/],
  [
    'limits:\n  clients: 1\n  clients: 2\n',
    /^x\.yaml:3:3: Cannot set limits\.clients twice: line 2/,
  ],
  ['a: [1\n', /^x\.yaml:2:1: Cannot read the YAML: /],
  ['limits:\n\tclients: 1\n', /^x\.yaml:2:1: Cannot read the YAML: Tabs are not allowed/],
  [
    'mode: session\n---\nmode: pooled\n',
    /^x\.yaml:2:1: Cannot read the YAML: found a second document/,
  ],
  ['mode: !!foo session\n', /^x\.yaml:1:7: Cannot read the YAML: Unresolved tag/],
  ['mode: &m session\nlog: { level: *m }\n', /^x\.yaml:2:15: Cannot use an alias for log\.level/],
  ['<<: { mode: pooled }\n', /^x\.yaml:1:1: Cannot use "<<": there is no such option/],
  ['? [a]\n: 1\n', /^x\.yaml:1:3: Cannot read a key: /],
  ['- mode\n', /^x\.yaml:1:1: Cannot read the file: write options as/],
  ['just words\n', /^x\.yaml:1:1: Cannot read the file: write options as/],
  [
    'server: { tls: { ca: x.pem } }\n',
    /^x\.yaml:1:22: Cannot use server\.tls\.ca with a server\.url that does not begin with tcp\+tls/,
  ],
  [
    'server: { url: "tcp+tls://h:1", tls: { key: x.pem } }\n',
    /^x\.yaml:1:45: Cannot use server\.tls\.certificate and server\.tls\.key one without/,
  ],
  [
    'listen: { tls: { client_ca: x.pem } }\n',
    /^x\.yaml:1:29: Cannot use listen\.tls\.client_ca without listen\.tls\.certificate/,
  ],
  ['listen:\n  tls.key: x\n', /^x\.yaml:2:3: .*write it as "key:", indented under "tls:"/],
  ['listen:\n  tls:\n    keys: x\n', /^x\.yaml:3:5: .*Did you mean listen\.tls\.key\?$/],
  [
    'listen: { tls: x }\n',
    /^x\.yaml:1:16: Cannot use listen\.tls: it is a section; .*: certificate, /,
  ],
  [
    'listen: { tls: { min_version: 1.2 } }\n',
    /^x\.yaml:1:31: .*found 1\.2; allowed is one of TLSv1\.2, TLSv1\.3/,
  ],
  [
    'statsd: { url: "http://h:1" }\n',
    /^x\.yaml:1:16: Cannot use statsd\.url: not a statsd URL; write udp:\/\/host:port/,
  ],
  ['statsd: { url: "udp://h:0" }\n', /found no usable host and port/],
  ['statsd: { url: "udp://[::g]:1" }\n', /found no usable host and port/],
  ['statsd: { url: "unix://a" }\n', /found no absolute path after unix:/],
  ['statsd: { prefix: "a b" }\n', /Cannot use statsd\.prefix: allowed are up to 100/],
  ['statsd: { tags: "a:b|c" }\n', /Cannot use statsd\.tags: allowed are up to 20 tags/],
  ['statsd: { legacy_names: both }\n', /allowed is one of none, enterprise$/],
  [
    'redis: { url: "http://h:1" }\n',
    /^x\.yaml:1:15: Cannot use redis\.url: not a Redis URL; write redis:/,
  ],
  [
    'limits:\n  producer_reserve: 900\n',
    /^x\.yaml:2:21: Cannot keep limits\.producer_reserve 900 of limits\.server_connections 900: .*at most 899/,
  ],
  [
    'limits:\n  server_connections: 90\n',
    /^x\.yaml:2:23: Cannot keep limits\.producer_reserve 90 of .*90/,
  ],
  [
    'mode: pooled\nlimits: { server_connections: 17, producer_reserve: 1 }\n',
    /^x\.yaml:2:31: Cannot serve workers with limits\.server_connections 17: .*command_connections takes 16/,
  ],
  [
    'limits: { server_connections: 1, producer_reserve: 0 }\n',
    /^x\.yaml:1:31: Cannot serve clients with limits\.server_connections 1: .*2 or more/,
  ],
  [
    'server: { bind_address: "localhost" }\n',
    /^x\.yaml:1:25: Cannot use server\.bind_address: found "localhost"; allowed is an IPv4 or IPv6 address/,
  ],
  [
    'server: { source_ports: 50000-40000 }\n',
    /^x\.yaml:1:25: Cannot use server\.source_ports: found "50000-40000"; allowed is a range/,
  ],
  [
    'server: { source_ports: 40000-40898 }\n',
    /^x\.yaml:1:25: Cannot hold limits\.server_connections 900 with the 899 ports of server\.source_ports/,
  ],
  [
    'limits.clients: 5\n',
    /^x\.yaml:1:1: Cannot use limits\.clients: write it as "clients:", indented/,
  ],
  ['listen: { address: [::1]:7519 }\n', /^x\.yaml:1:25: .*put quotes around a value/],
  ['listen: { address: "0.0.0.0:7419" }\n', /^x\.yaml:1:20: .*the bouncer would dial itself/],
  ['admin: { address: "0.0.0.0:7519" }\n', /^x\.yaml:1:19: Cannot listen twice on /],
  ['admin: { address: "/run/x/" }\n', /^x\.yaml:1:19: .*path of a Unix socket, up to 107 bytes$/],
  [`admin: { address: "/${'x'.repeat(107)}" }\n`, /^x\.yaml:1:19: .*up to 107 bytes$/],
  ['admin: { socket_mode: 0660 }\n', /^x\.yaml:1:23: .*found 660; .*in quotes/],
  ['admin: { socket_mode: "0888" }\n', /found "0888"; allowed are permission bits/],
  ['admin: { token_file: 5 }\n', /^x\.yaml:1:22: .*found 5; allowed is the path of a file/],
  [
    'admin: { token_file: /none }\n',
    /^x\.yaml:1:22: Cannot use admin\.token_file: Cannot read the file "\/none"/,
  ],
  [
    'max_command_bytes: 300MiB\n',
    /^x\.yaml:1:20: Cannot read a command of max_command_bytes 314572800 B/,
  ],
  [
    'admin: { address: "127.0.0.1:7519" }\n',
    /^x\.yaml:1:19: Cannot listen twice on 127\.0\.0\.1:7519/,
  ],
  ['server: { url: "tcp://127.0.0.1:7519" }\n', /^x\.yaml:1:16: .*the bouncer would dial itself/],
  [
    'limits: { clients: x, handshakes: -1 }\nmod: pooled\nredis: { interval: 5 }\n',
    /^x\.yaml:1:20: /,
    /^x\.yaml:1:35: /,
    /^x\.yaml:2:1: .*Did you mean mode\?/,
    /^x\.yaml:3:20: /,
  ],
];

t.test('each wrong text is refused at its place, all problems at once', (t) => {
  for (const [text, ...expected] of WRONG) {
    const problems = [...problemsOf(text)].sort();
    t.equal(problems.length, expected.length, `${text}: ${problems.join(' | ')}`);
    for (const [index, pattern] of expected.entries()) t.match(problems[index], pattern, text);
  }
  t.end();
});

t.test('what is at the edge of a contradiction is accepted', (t) => {
  t.equal(configOf('limits: { producer_reserve: 899 }').limits.producerReserve, 899);
  t.equal(configOf('max_command_bytes: 256MiB').maxCommandBytes, 268_435_456);
  t.equal(
    configOf('limits: { server_connections: 18, producer_reserve: 0 }\nmode: pooled').mode,
    'pooled',
  );
  t.equal(configOf('limits: { server_connections: 2, producer_reserve: 0 }').mode, 'session');
  t.equal(configOf('limits: { handshakes: 20000 }').limits.handshakes, 20_000);
  const { server } = configOf('server: { source_ports: 40000-40899, bind_address: "fd00::5" }');
  t.match(server, { sourcePorts: { first: 40_000, last: 40_899 }, bindAddress: 'fd00::5' });
  const systemPicks = 'listen: { address: "127.0.0.1:0" }\nadmin: { address: "127.0.0.1:0" }';
  t.match(configOf(systemPicks).admin.address, { port: 0 }, 'port 0 twice is two ports');
  t.end();
});

t.test('the admin address may be a socket with a mode', (t) => {
  const path = `/${'x'.repeat(106)}`;
  const { admin } = configOf(`admin: { address: ${path}, socket_mode: "0660" }`);
  t.match(admin, { address: { path }, socketMode: 0o660 });
  t.end();
});

t.test('the operator token comes from its variable, else from its file, and fits a header', (t) => {
  const tokenOf = (environment: Sources['environment'], text: string): string => {
    const file = { name: 'x.yaml', text: 'admin: { token_file: /token }' };
    const readFile = (): Buffer => Buffer.from(text);
    const loaded = loadConfig({ file, environment, flags: [], readFile });
    if ('config' in loaded) return loaded.config.admin.token;
    return loaded.problems.map(formatProblem).join();
  };
  const variable = (token: string): Sources['environment'] => ({
    FAKTORY_BOUNCER_ADMIN_TOKEN: token,
  });
  const [token, other] = ['t'.repeat(16), 'o'.repeat(1024)];
  t.equal(tokenOf({}, ` ${token}\n`), token);
  t.equal(tokenOf(variable(''), token), token);
  t.equal(tokenOf(variable(other), token), other);
  for (const wrong of ['t'.repeat(15), 't'.repeat(1025), `${token} x`, `${token}ü`, '']) {
    const problem = tokenOf({}, wrong);
    t.match(
      problem,
      /^x\.yaml:1:22: Cannot use admin\.token_file: Cannot use the operator token: it has \d+ char/,
    );
    if (wrong !== '') t.notOk(problem.includes(wrong));
  }
  t.match(tokenOf(variable('short'), token), /^environment variable FAKTORY_BOUNCER_ADMIN_TOKEN: /);
  t.strictSame(load('', variable(token)).warnings, []);
  t.end();
});

t.test('a list is a YAML list, or one text with commas', (t) => {
  const networks = [
    { address: '10.0.0.0', prefix: 8 },
    { address: '192.168.1.5', prefix: 32 },
    { address: 'fd00::', prefix: 8 },
    { address: '::', prefix: 0 },
  ];
  const text = '10.0.0.0/8, 192.168.1.5,fd00::/8, ::/0';
  const inFile = (value: string) => configOf(`guard: { trusted_addresses: ${value} }`).guard;
  t.same(inFile(`"${text}"`).trustedAddresses, networks);
  t.same(inFile('[10.0.0.0/8, 192.168.1.5, "fd00::/8", "::/0"]').trustedAddresses, networks);
  const variable = { FAKTORY_BOUNCER_GUARD_TRUSTED_ADDRESSES: text };
  t.same(configOf(null, variable).guard.trustedAddresses, networks);
  const names = configOf('guard: { trusted_usernames: [ops, deploy] }').guard.trustedUsernames;
  t.same(names, ['ops', 'deploy']);
  t.equal(
    OPTIONS['guard.trusted_addresses'].show(configOf(null, variable)),
    '10.0.0.0/8, 192.168.1.5, fd00::/8, ::/0',
  );
  t.end();
});

t.test('a URL for the wrong option is shown without its password', (t) => {
  for (const key of ['listen: { address', 'guard: { trusted_addresses', 'log: { level']) {
    const [problem = ''] = problemsOf(`${key}: "tcp://u:hunter2@h:1" }`);
    t.match(problem, 'tcp://u:****@h:1', key);
    t.notMatch(problem, /hunter2/, key);
  }
  t.end();
});

t.test('an address list refuses what could be taken for another network', (t) => {
  for (const [text, why] of [
    ['10.0.0.1/8', /found "10\.0\.0\.1\/8"; the address has bits behind the prefix/],
    ['fd00::1/64', /bits behind the prefix/],
    ['fe80::1%eth0', /write an IP address such as/],
    ['fe80::%eth0/64', /write an IP address such as/],
    ['::ffff:10.0.0.0/104', /as IPv4, without ::ffff:/],
    ['::ffff:a00:5', /as IPv4, without ::ffff:/],
    ['::ffff:10.0.0.0/8', /as IPv4, without ::ffff:/],
    ['10.0.0.0/33', /from 0 to 32/],
    ['10.0.0.0/-1', /from 0 to 32/],
    ['10.0.0.0/', /from 0 to 32/],
    ['10.0.0.0/8/8', /write an IP address/],
    ['::/129', /from 0 to 128/],
    ['10.0.0', /write an IP address/],
    ['localhost', /write an IP address/],
  ] as const) {
    const problems = problemsOf(`guard: { trusted_addresses: ["${text}"] }`);
    t.equal(problems.length, 1, text);
    t.match(problems[0], why);
  }
  t.match(problemsOf('guard: { trusted_usernames: ["a b"] }')[0], /without white space/);
  t.match(problemsOf('guard: { trusted_usernames: [{}] }')[0], /found a list/);
  t.match(problemsOf('mode: [session]')[0], /found a list; write a single value/);
  t.end();
});

t.test('a refused value makes no contradiction of the others', (t) => {
  const problems = problemsOf('limits: { server_connections: x, producer_reserve: 5000 }');
  t.equal(problems.length, 1);
  t.match(problems[0], /server_connections: found "x"/);
  t.end();
});

t.test('hostile files are refused quickly and never thrown at', (t) => {
  const bomb = `a: &a [x, x]\n${'bcdefgh'.replace(/./g, (c) => `${c}: &${c} [*a, *a, *a]\n`)}`;
  t.equal(problemsOf(bomb).length, 8, 'an alias bomb is eight unknown keys');
  t.equal(problemsOf('!a '.repeat(1000)).length, 20, 'syntax errors are cut');
  t.equal(problemsOf('#'.repeat(FILE_BYTES_MAX)).length, 0);
  t.match(problemsOf('#'.repeat(FILE_BYTES_MAX + 1))[0], /it has more than 262144 bytes/);
  t.equal(Object.hasOwn(Object.prototype, 'a'), false);
  t.end();
});

t.test('a file that goes too deep is one problem, with its place', (t) => {
  const text =
    'Cannot read the YAML: more than 16 levels deep. Write at most three levels of keys.';
  const deep = [
    ['['.repeat(200_000), 'x.yaml:1:17'],
    [`limits:\n  clients: ${'['.repeat(20)}${']'.repeat(20)}`, 'x.yaml:2:26'],
    ['{a: '.repeat(60_000), 'x.yaml:1:65'],
    ['- '.repeat(120_000), 'x.yaml:1:33'],
    ['? '.repeat(120_000), 'x.yaml:1:33'],
    [Array.from({ length: 600 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), 'x.yaml:17:17'],
    [`mode: session\r\nlog:\r\n  level: ${'- '.repeat(3)}\n`, null],
  ] as const;
  for (const [file, place] of deep) {
    const problems = problemsOf(file);
    if (place === null) t.notMatch(problems.join('\n'), text);
    else t.strictSame(problems, [`${place}: ${text}`]);
  }
  t.match(problemsOf(`mode: ${'['.repeat(15)}${']'.repeat(15)}`), [
    /Cannot use mode: found a list/,
  ]);
  t.end();
});

t.test(
  'the command line wins over the environment, that over the file, that over the default',
  (t) => {
    const file = 'mode: pooled\nlisten: { address: "a:1" }\nlimits: { clients: 1 }\n';
    const environment = {
      FAKTORY_BOUNCER_LISTEN_ADDRESS: '[::1]:2',
      FAKTORY_BOUNCER_LIMITS_CLIENTS: '2',
      FAKTORY_BOUNCER_OBSERVE_ONLY: 'true',
    };
    const flags = [{ flag: '--listen', key: 'listen.address', text: 'c:3' } as const];
    const config = configOf(file, environment, flags);
    t.strictSame(config.listen.address, { host: 'c', port: 3 });
    t.equal(config.limits.clients, 2);
    t.equal(config.mode, 'pooled');
    t.equal(config.observeOnly, true);
    t.equal(config.limits.handshakes, 1000);
    t.strictSame(configOf(file, environment).listen.address, { host: '::1', port: 2 });
    t.end();
  },
);

t.test('every option can be set by its own variable', (t) => {
  const environment = Object.fromEntries(
    OPTION_KEYS.map((key) => [variableOf(key), String(OPTIONS[key].fallback)]),
  );
  t.equal(Object.keys(environment).length, OPTION_KEYS.length);
  t.strictSame(configOf(null, environment), DEFAULTS);
  t.equal(variableOf('limits.per_worker'), 'FAKTORY_BOUNCER_LIMITS_PER_WORKER');
  t.end();
});

t.test('a problem from the environment or a flag names it, also where it is overruled', (t) => {
  const flags = [{ flag: '--mode', key: 'mode', text: 'x' } as const];
  const environment = { FAKTORY_BOUNCER_MODE: 'y', FAKTORY_BOUNCER_LIMITS_CLIENTS: '' };
  const problems = problemsOf('mode: z', environment, flags);
  t.equal(problems.length, 4);
  t.match(problems[0], /^x\.yaml:1:7: /);
  t.match(problems[1], /^environment variable FAKTORY_BOUNCER_MODE: Cannot use mode: found "y"/);
  t.match(problems[2], /^environment variable FAKTORY_BOUNCER_LIMITS_CLIENTS: .*found ""/);
  t.match(problems[3], /^command line --mode: Cannot use mode: found "x"; allowed is one of/);
  const reserve = problemsOf('limits: { server_connections: 50 }', {
    FAKTORY_BOUNCER_LIMITS_PRODUCER_RESERVE: '50',
  });
  t.match(reserve[0], /^environment variable FAKTORY_BOUNCER_LIMITS_PRODUCER_RESERVE: Cannot keep/);
  t.end();
});

t.test('unknown variables are warned about, those of Kubernetes are not', (t) => {
  const loaded = load(null, {
    FAKTORY_BOUNCER_SERVICE_HOST: '10.0.0.1',
    FAKTORY_BOUNCER_SERVICE_PORT: '7519',
    FAKTORY_BOUNCER_SERVICE_PORT_FAKTORY: '7519',
    FAKTORY_BOUNCER_PORT: 'tcp://10.0.0.1:7519',
    FAKTORY_BOUNCER_PORT_7519_TCP: 'tcp://10.0.0.1:7519',
    FAKTORY_BOUNCER_PORT_7519_TCP_ADDR: '10.0.0.1',
    FAKTORY_BOUNCER_ADMIN_SERVICE_HOST: '10.0.0.2',
    FAKTORY_BOUNCER_ADMIN_PORT: 'tcp://10.0.0.2:7421',
    FAKTORY_BOUNCER_CONFIG: 'x.yaml',
    FAKTORY_BOUNCER_LIMIT_CLIENTS: '5',
    FAKTORY_BOUNCER_LISTEN_PORT: '7519',
    OTHER: '1',
  });
  t.ok('config' in loaded);
  t.equal(loaded.warnings.length, 2);
  t.match(loaded.warnings[0], /LIMIT_CLIENTS .*Did you mean FAKTORY_BOUNCER_LIMITS_CLIENTS\?$/);
  t.match(loaded.warnings[1], /FAKTORY_BOUNCER_LISTEN_PORT is not an option; it has no effect/);
  t.end();
});
