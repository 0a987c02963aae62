// What a scrape says: valid exposition text, numbers of one instant, a bounded number of series.

import { readFileSync } from 'node:fs';
import { register as globalRegistry } from 'prom-client';
import t from 'tap';
import { Counts } from '../../src/observe/counts.ts';
import { allFamilies } from '../../src/observe/families/all.ts';
import { createMetrics } from '../../src/observe/prometheus.ts';
import type { Snapshot } from '../../src/observe/snapshot.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';

/** With everything populated; a new label needs a reason that is worth its series. */
const SERIES_MAX = 850;

const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? ([-+]?(?:[0-9.]+(?:e[-+]?[0-9]+)?|Inf)|NaN)$/;

function render(snapshot: Snapshot = fullSnapshot(), counts = new Counts()): Promise<string> {
  return createMetrics(allFamilies('0.1.0'), counts, () => snapshot).render();
}

function samples(text: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const at = line.lastIndexOf(' ');
    found.set(line.slice(0, at).replace(/^faktory_bouncer_/, ''), Number(line.slice(at + 1)));
  }
  return found;
}

t.test('every line is valid exposition text and no series is there twice', async (t) => {
  const text = await render();
  t.ok(text.endsWith('\n'));
  const seen = new Set<string>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    if (line.startsWith('#')) {
      t.match(line, /^# (HELP|TYPE) faktory_bouncer_[a-z0-9_]+ .+$/);
      continue;
    }
    t.match(line, SAMPLE);
    const series = line.slice(0, line.lastIndexOf(' '));
    t.notOk(seen.has(series), series);
    seen.add(series);
  }
});

t.test('the number of series is capped with everything populated', async (t) => {
  const count = samples(await render()).size;
  t.ok(count > 400, `${count} series`);
  t.ok(count <= SERIES_MAX, `${count} series, cap ${SERIES_MAX}`);
});

t.test('nothing a client or Faktory says can add a series', async (t) => {
  const before = samples(await render()).size;
  const faktory = fullSnapshot().faktory;
  t.ok(faktory.info);
  if (faktory.info === null) return;
  const hostile = { ...faktory.info, version: '1.7"}\nx 1' };
  const text = await render(fullSnapshot({ faktory: { up: true, info: hostile } }));
  t.equal(samples(text).size, before - 1);
  t.notMatch(text, /faktory_info\{/);
});

t.test('histogram buckets are cumulative and end at the count', async (t) => {
  const counts = new Counts();
  for (const ms of [0.05, 3, 3, 400, 60_000]) counts.client.commands.observeMs('PUSH', ms);
  const found = samples(await render(fullSnapshot(), counts));
  const bucket = (le: string): number | undefined =>
    found.get(`command_duration_seconds_bucket{verb="PUSH",le="${le}"}`);
  t.equal(bucket('0.0001'), 1);
  t.equal(bucket('0.0025'), 1);
  t.equal(bucket('0.005'), 3);
  t.equal(bucket('0.5'), 4);
  t.equal(bucket('10'), 4);
  t.equal(bucket('+Inf'), 5);
  t.equal(found.get('command_duration_seconds_count{verb="PUSH"}'), 5);
  t.ok(Math.abs((found.get('command_duration_seconds_sum{verb="PUSH"}') ?? 0) - 60.40605) < 1e-9);
  t.equal(found.get('commands_total{verb="PUSH"}'), 5);
  t.equal(found.get('commands_total{verb="ACK"}'), 0);
});

t.test('counters are read at the scrape, each under its label', async (t) => {
  const counts = new Counts();
  let reads = 0;
  const metrics = createMetrics(allFamilies('0.1.0'), counts, () => (reads++, fullSnapshot()));
  await metrics.render();
  counts.client.accepted.total += 2;
  counts.client.refusals.add('per_address');
  counts.client.wouldHaveRefused.add('clients', 3);
  counts.client.bytes.add('sent', 10);
  const found = samples(await metrics.render());
  t.equal(reads, 2);
  t.equal(found.get('client_connections_accepted_total'), 2);
  t.equal(found.get('refusals_total{reason="per_address"}'), 1);
  t.equal(found.get('refusals_total{reason="clients"}'), 0);
  t.equal(found.get('would_have_refused_total{reason="clients"}'), 3);
  t.equal(found.get('bytes_total{direction="client_sent"}'), 10);
});

t.test('saturation and headroom come from the places taken', async (t) => {
  const found = samples(await render());
  t.equal(found.get('server_connections_saturation_ratio'), 0.75);
  t.equal(found.get('server_connections_headroom'), 225);
  t.equal(found.get('server_connections_share{role="worker"}'), 810);
  t.equal(found.get('server_connections_share{role="producer"}'), 90);
  t.equal(found.get('client_connections_saturation_ratio'), 48 / 20000);
  t.equal(found.get('clients_per_server_connection'), 6 / 4);
});

t.test('a cap that was lowered below what is there shows as over full', async (t) => {
  const limits = { ...fullSnapshot().limits, serverConnections: 450 };
  const found = samples(await render(fullSnapshot({ limits })));
  t.equal(found.get('server_connections_saturation_ratio'), 1.5);
  t.equal(found.get('server_connections_headroom'), -225);
});

t.test('connections past the bouncer never fall below 0', async (t) => {
  const key = 'faktory_connections_past_bouncer';
  const { faktory } = fullSnapshot();
  t.equal(samples(await render(fullSnapshot({ sharedLimit: null }))).get(key), 8);
  if (faktory.info === null) return;
  const info = { ...faktory.info, connections: 1 };
  t.equal(samples(await render(fullSnapshot({ faktory: { up: true, info } }))).get(key), 0);
  t.equal(
    samples(await render(fullSnapshot({ faktory: { up: false, info } }))).get(key),
    undefined,
  );
});

t.test('connections of other bouncers are not past the bouncer', async (t) => {
  const key = 'faktory_connections_past_bouncer';
  const { sharedLimit } = fullSnapshot();
  if (sharedLimit === null) throw new Error('the snapshot shares no limit');
  const withElsewhere = async (elsewhere: number | null): Promise<number | undefined> =>
    samples(await render(fullSnapshot({ sharedLimit: { ...sharedLimit, elsewhere } }))).get(key);
  t.equal(await withElsewhere(5), 3);
  t.equal(await withElsewhere(8), 0);
  t.equal(await withElsewhere(9), 0);
  t.equal(await withElsewhere(null), undefined, 'Redis does not tell of them');
});

t.test('what was never heard is absent, not 0', async (t) => {
  const faktory = { up: false, info: null };
  const found = samples(await render(fullSnapshot({ faktory, redis: null })));
  t.equal(found.get('faktory_up'), 0);
  const heard = [...found.keys()].filter((name) => /^(redis_|faktory_(?!up))/.test(name));
  t.strictSame(heard, []);
});

t.test('a number that Redis does not tell is absent', async (t) => {
  const { redis } = fullSnapshot();
  if (redis === null) return;
  const found = samples(
    await render(fullSnapshot({ redis: { ...redis, maxClients: Number.NaN } })),
  );
  t.equal(found.has('redis_max_clients'), false);
  t.equal(found.get('redis_connected_clients'), 10);
});

t.test('two scrapes at once read both of their own snapshot', async (t) => {
  let workers = 0;
  const snapshot = (): Snapshot => fullSnapshot({ workers: (workers += 1) });
  const metrics = createMetrics(allFamilies('0.1.0'), new Counts(), snapshot);
  const [first, second] = await Promise.all([metrics.render(), metrics.render()]);
  t.equal(samples(first).get('workers'), 1);
  t.equal(samples(second).get('workers'), 2);
});

t.test("the library's global registry stays empty", async (t) => {
  await render();
  t.equal(globalRegistry.getMetricsAsArray().length, 0);
});

t.test('counters end in _total, and nothing else does', async (t) => {
  for (const [, name = '', type] of (await render()).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    t.equal(name.endsWith('_total'), type === 'counter', `${name} ${type}`);
  }
});

/** The process metrics are Linux's. */
const skip = process.platform === 'linux' ? false : 'metrics of the process differ here';

t.test('docs/metrics.md lists each metric with its type, and no other', { skip }, async (t) => {
  const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rows = docs.matchAll(/^\| `(faktory_bouncer_\w+)` +\| (\w+) +\|/gm);
  const documented = [...rows].map(([, name, type]) => `${name} ${type}`);
  const types = (await render()).matchAll(/^# TYPE (\S+ \S+)$/gm);
  const exported = [...types].map(([, nameAndType]) => `${nameAndType}`);
  t.strictSame(documented.toSorted(), exported.toSorted());
});

t.test('with metrics.jobs, names of clients add a bounded number of series', async (t) => {
  const max = 4;
  const counts = new Counts(max);
  const before = samples(await render(fullSnapshot(), new Counts())).size;
  for (let job = 0; job < 1000; job += 1) {
    counts.jobs.of(`q${job % 100}`, `"t\\${job % 90}`, 0).pushed += 1;
  }
  const text = await render(fullSnapshot(), counts);
  for (const line of text.split('\n')) if (line.includes('jobtype')) t.match(line, SAMPLE);
  const added = samples(text).size - before;
  t.ok(added > 19 * max && added <= 19 * (6 * max + 2) + 1, `${added} series`);
});
