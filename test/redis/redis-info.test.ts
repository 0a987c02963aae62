// Redis's INFO and address, as pure functions.

import t from 'tap';
import { parseRedisAddress } from '../../src/redis/redis-address.ts';
import { parseRedisInfo } from '../../src/redis/redis-info.ts';

const ANSWER = [
  '# Clients',
  'connected_clients:12',
  'cluster_connections:0',
  'maxclients:10000',
  'blocked_clients:7',
  '# Memory',
  'used_memory:1048576',
  'used_memory_human:1.00M',
  'maxmemory:0',
  'maxmemory_human:0B',
  '# Stats',
  'rejected_connections:2',
  '',
];

const INFO = {
  connectedClients: 12,
  blockedClients: 7,
  maxClients: 10000,
  usedMemoryBytes: 1048576,
  maxMemoryBytes: 0,
  rejectedConnections: 2,
};

t.test('INFO is read whatever the line end', async (t) => {
  t.strictSame(parseRedisInfo(ANSWER.join('\r\n')), INFO);
  t.strictSame(parseRedisInfo(ANSWER.join('\n')), INFO);
});

t.test('a number that is not told, or is none, is NaN', async (t) => {
  const without = ANSWER.filter((line) => !line.startsWith('maxclients'));
  t.strictSame(parseRedisInfo(without.join('\r\n')), { ...INFO, maxClients: Number.NaN });
  const wrong = ANSWER.map((line) => (line === 'maxmemory:0' ? 'maxmemory:much' : line));
  t.strictSame(parseRedisInfo(wrong.join('\r\n')), { ...INFO, maxMemoryBytes: Number.NaN });
});

t.test('text that is no INFO is null', async (t) => {
  for (const text of ['', 'OK', '-NOAUTH Authentication required.', 'xconnected_clients:1']) {
    t.equal(parseRedisInfo(text), null, text);
  }
});

t.test('every form of redis.url is read, and none shows its password', async (t) => {
  const rows: [string, string, object][] = [
    ['/run/redis.sock', '/run/redis.sock', { path: '/run/redis.sock' }],
    ['unix:///run/a%20b.sock', '/run/a b.sock', { path: '/run/a b.sock' }],
    ['redis://redis', 'redis:6379', { host: 'redis', port: 6379 }],
    ['redis://redis:6380/3', 'redis:6380', { host: 'redis', port: 6380 }],
    ['redis://[::1]:6380', '[::1]:6380', { host: '::1', port: 6380 }],
    [
      'rediss://user:p%40ss@redis:6380',
      'redis:6380',
      { host: 'redis', port: 6380, username: 'user', password: 'p@ss', tls: {} },
    ],
    ['redis://:p%40ss@redis', 'redis:6379', { host: 'redis', port: 6379, password: 'p@ss' }],
  ];
  for (const [url, shown, dial] of rows) {
    t.strictSame(parseRedisAddress(url), { shown, dial }, shown);
  }
});

t.test('another url is refused with the forms that work, and without its password', async (t) => {
  for (const url of ['', 'redis', 'http://redis', 'redis://', 'unix://', 'tcp://:secret@redis:1']) {
    t.throws(() => parseRedisAddress(url), /^(?!.*secret).*redis:\/\/host:port/, url);
  }
});
