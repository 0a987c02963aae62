// The options of a shared limit: what they need beside them, where the password comes from, and reloads.

import t from 'tap';
import { changesTo } from '../../src/config/changes.ts';
import { renderEffective } from '../../src/config/effective.ts';
import { allFilesOf } from '../../src/config/load-files.ts';
import { loadConfig } from '../../src/config/load.ts';
import { formatProblem } from '../../src/config/problems.ts';

const SHARED = ['redis_url: redis://:s3cret@h:1', 'replicas_expected: 3'];

function load(lines: readonly string[], rest = '', files: Record<string, string> = {}) {
  const text = `shared_limits: { ${lines.join(', ')} }\n${rest}`;
  return loadConfig({
    file: { name: 'x.yaml', text },
    environment: {},
    flags: [],
    readFile: (path) => {
      const found = files[path];
      if (found === undefined) throw Object.assign(new Error('gone'), { code: 'ENOENT' });
      return Buffer.from(found);
    },
  });
}

function configOf(...args: Parameters<typeof load>) {
  const loaded = load(...args);
  if ('problems' in loaded) throw new Error(loaded.problems.map(formatProblem).join('\n'));
  return loaded.config;
}

function problemOf(...args: Parameters<typeof load>): string {
  const loaded = load(...args);
  return 'problems' in loaded ? loaded.problems.map(formatProblem).join('\n') : '';
}

t.test('without a URL nothing is needed, and nothing is shared', async (t) => {
  t.equal(configOf(['guaranteed: 5000']).sharedLimits.redisUrl, '');
});

t.test('a shared limit needs the number of bouncers', async (t) => {
  t.match(problemOf(['redis_url: redis://h:1']), /Cannot share .* shared_limits.replicas_expected/);
  t.equal(configOf(SHARED).sharedLimits.replicasExpected, 3);
});

t.test('what is guaranteed must leave something to lend', async (t) => {
  const limit = (size: number): string =>
    `limits: { server_connections: ${size}, producer_reserve: 0 }`;
  t.match(problemOf([...SHARED, 'guaranteed: 9'], limit(30)), /Cannot guarantee .* 9 and 1/);
  t.equal(problemOf([...SHARED, 'guaranteed: 9'], limit(31)), '');
});

t.test('in pooled mode a share must have room for the command lane and a worker', async (t) => {
  const limit = (size: number, mode: string): string =>
    `mode: ${mode}\nlimits: { server_connections: ${size}, producer_reserve: 0 }`;
  const lines = [...SHARED, 'guaranteed: 0'];
  t.match(problemOf(lines, limit(53, 'pooled')), /Cannot serve workers with 17 .* of 3 bouncers/);
  t.equal(problemOf(lines, limit(54, 'pooled')), '');
  t.equal(problemOf(lines, limit(53, 'session')), '');
});

t.test('of several processes each needs room for its part of the command lane alone', async (t) => {
  const lines = ['redis_url: redis://h:1', 'replicas_expected: 4', 'guaranteed: 0'];
  const rest = (size: number): string =>
    `processes: 4\nmode: pooled\nlimits: { server_connections: ${size}, producer_reserve: 0 }`;
  t.match(problemOf(lines, rest(23)), /Cannot serve workers with 5 .* takes 4 in each process/);
  t.equal(problemOf(lines, rest(24)), '');
});

t.test("a shared limit needs Faktory's count", async (t) => {
  t.match(problemOf(SHARED, 'server: { info_interval: 0s }'), /server.info_interval 0s/);
});

t.test('a name that is no Redis key is refused', async (t) => {
  t.match(problemOf([...SHARED, "key: 'a b'"]), /Cannot use shared_limits.key/);
});

t.test('the password comes from a file, and neither it nor that of the URL is shown', async (t) => {
  const lines = [...SHARED, 'redis_password_file: /p'];
  const config = configOf(lines, '', { '/p': ' other-s3cret\n' });
  t.equal(config.sharedLimits.redisPassword, 'other-s3cret');
  t.notMatch(renderEffective(config), /s3cret/);
  t.match(problemOf(lines), /Cannot use shared_limits.redis_password_file: .*ENOENT/);
  t.match(problemOf(lines, '', { '/p': '\n' }), /the file is empty/);
  const started = { file: null, environment: {}, flags: [] };
  t.strictSame(allFilesOf(started, config), ['/p'], 'it is watched');
});

t.test('a reload keeps everything but the limit itself', async (t) => {
  const running = configOf(SHARED);
  const wanted = configOf(
    ['redis_url: redis://h:2', 'replicas_expected: 4'],
    'limits: { server_connections: 600 }',
  );
  const { config, changed, needRestart } = changesTo(running, wanted);
  t.strictSame(changed, ['limits.server_connections']);
  t.strictSame(needRestart, ['shared_limits.redis_url', 'shared_limits.replicas_expected']);
  t.strictSame(config.sharedLimits, running.sharedLimits);
});

t.test('a reload that lowers the limit below what is guaranteed is refused', async (t) => {
  const running = configOf([...SHARED, 'guaranteed: 100']);
  const wanted = configOf(
    ['redis_url: redis://h:2', 'replicas_expected: 3'],
    'limits: { server_connections: 300 }',
  );
  t.match(changesTo(running, wanted).contradictions, [/Cannot guarantee/]);
});
