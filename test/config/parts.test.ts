// What each of several processes gets of the configuration, and what cannot be divided.

import t from 'tap';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { partOf } from '../../src/config/parts.ts';
import { formatProblem } from '../../src/config/problems.ts';

function load(text: string): ReturnType<typeof loadConfig> {
  return loadConfig({
    file: { name: 'x.yaml', text },
    environment: {},
    flags: [],
    readFile: () => Buffer.from(''),
  });
}

function partsOf(text: string): readonly Config[] {
  const loaded = load(text);
  if ('problems' in loaded) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  const { config } = loaded;
  return Array.from({ length: config.processes }, (_one, index) => partOf(config, index));
}

function problemOf(text: string): string {
  const loaded = load(text);
  return 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : '';
}

t.test('what is divided adds up to what is configured', async (t) => {
  const parts = partsOf('processes: 3\nlimits: { clients: 100, buffered_bytes: 64MiB }\n');
  t.strictSame(
    parts.map(({ limits }) => limits.clients),
    [34, 33, 33],
  );
  const bytes = parts.reduce((sum, { limits }) => sum + limits.bufferedBytes, 0);
  t.equal(bytes, 64 * 1024 * 1024);
  t.ok(
    parts.every(({ limits }) => limits.serverConnections === 900),
    'places are lent',
  );
  t.ok(parts.every(({ limits }) => limits.fetchesInFlight === 800));
  t.ok(parts.every(({ listen }) => listen.reusePort));
  t.strictSame(parts[1]?.statsd.tags, ['process:1']);
});

t.test('no limit stays no limit, and a small one does not become none', async (t) => {
  const [part] = partsOf('processes: 4\nlimits: { per_worker: 2, per_address: 0 }\n');
  t.equal(part?.limits.perWorker, 1);
  t.equal(part?.limits.perAddress, 0);
  const [few] = partsOf('processes: 4\nlimits: { clients: 1 }\nwaiting_line: { size: 0 }\n');
  t.equal(few?.limits.clients, 1);
  t.equal(few?.waitingLine.size, 0);
});

t.test('no two processes leave from one port', async (t) => {
  const parts = partsOf(
    'processes: 2\nserver: { source_ports: 20000-20100 }\nlimits: { server_connections: 50, producer_reserve: 5 }\n',
  );
  t.strictSame(
    parts.map(({ server }) => server.sourcePorts),
    [
      { first: 20000, last: 20049 },
      { first: 20050, last: 20099 },
    ],
  );
});

t.test('what does not fit is refused, and at the limit it fits', async (t) => {
  const session = (connections: number) =>
    problemOf(
      `processes: 4\nlimits: { server_connections: ${connections}, producer_reserve: 0 }\n`,
    );
  t.match(session(7), /Cannot serve clients with processes 4 and limits\.server_connections 7/);
  t.equal(session(8), '');
  const pooled = (connections: number) =>
    problemOf(
      `processes: 2\nmode: pooled\nlimits: { server_connections: ${connections}, producer_reserve: 0 }\n`,
    );
  t.match(pooled(19), /raise limits\.server_connections to 20/);
  t.equal(pooled(20), '');
  t.match(problemOf('processes: 2\nserver: { info_interval: 0s }\n'), /server\.info_interval 0s/);
  t.match(
    problemOf('processes: 2\nlimits: { buffered_bytes: 20MiB }\n'),
    /each of 2 processes has 10485760 B/,
  );
  t.match(
    problemOf('processes: 2\nserver: { source_ports: 20000-20999 }\n'),
    /the 500 ports .* each of 2 processes/,
  );
  const redis = 'shared_limits: { redis_url: redis://127.0.0.1:6379, replicas_expected: 2 }\n';
  t.match(problemOf(`processes: 3\n${redis}`), /replicas_expected 2: each process counts/);
  t.equal(problemOf(`processes: 2\n${redis}`), '');
  t.match(problemOf('processes: 0\n'), /processes/);
});
