// The Grafana dashboard: the file is what the code makes, and every query of it gives data in a real
// Prometheus that scrapes a bouncer under load.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { DASHBOARD_PATH, renderDashboard } from '../../deploy/grafana/dashboard.ts';
import { ROWS } from '../../deploy/grafana/panels.ts';
import { startBouncer } from '../support/bouncer.ts';
import { Prometheus, prometheusIsMissing, type Series } from '../support/prometheus.ts';
import type { RawClient } from '../support/raw-client.ts';
import { RealFaktory, findFaktory, requireFaktory } from '../support/real-faktory.ts';
import { STARTS_MS, until } from '../support/waiting.ts';
import { pushLine } from '../session/house.ts';

const ROOT = join(import.meta.dirname, '../..');
const ALERTS = join(ROOT, 'deploy/prometheus/alerts.yaml');

interface Dashboard {
  readonly panels: readonly {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
  }[];
}

const dashboard = JSON.parse(renderDashboard()) as Dashboard;
const panels = dashboard.panels.filter(({ type }) => type !== 'row');
const queries = panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ expr }) => ({ title, expr })),
);

t.test('the file is the one that the code makes', async (t) => {
  const committed = readFileSync(join(ROOT, DASHBOARD_PATH), 'utf8');
  t.equal(committed, renderDashboard(), 'run npm run generate');
});

t.test('every panel of the table is there, each with an id of its own', async (t) => {
  t.equal(panels.length, ROWS.flatMap((row) => row.panels).length);
  t.equal(new Set(dashboard.panels.map(({ id }) => id)).size, dashboard.panels.length);
  for (const { title, targets = [] } of panels) {
    t.ok(targets.length > 0, title);
    t.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title);
  }
});

t.test('every query reads the chosen bouncers and no other', async (t) => {
  for (const { title, expr } of queries) {
    const selectors = [...expr.matchAll(/faktory_bouncer_\w+(\{instance=~"\$instance")?/g)];
    t.ok(selectors.length > 0, title);
    for (const { 0: text, 1: chosen } of selectors) t.ok(chosen !== undefined, `${title}: ${text}`);
  }
});

/** Producers come and go, and jobs flow to `worker`, until the function that it returns is called. */
function keepBusy(connect: () => Promise<RawClient>, worker: RawClient): () => Promise<void> {
  const end = new AbortController();
  const { signal } = end;
  const produce = async (): Promise<void> => {
    while (!signal.aborted) {
      const producer = await connect();
      for (let job = 0; job < 20; job += 1) await producer.command(pushLine().line);
      producer.end();
      await producer.closed;
    }
  };
  const work = async (): Promise<void> => {
    for (let job = 0; !signal.aborted; job += 1) {
      const fetched = await worker.command('FETCH default');
      if (fetched.kind !== 'bulk' || fetched.text === null) continue;
      const { jid } = JSON.parse(fetched.text) as { jid: string };
      const failure = { jid, errtype: 'Test', message: 'of a test', backtrace: [] };
      const isFailed = job % 10 === 9;
      await worker.command(
        isFailed ? `FAIL ${JSON.stringify(failure)}` : `ACK ${JSON.stringify({ jid })}`,
      );
    }
  };
  const all = Promise.all([produce(), work()]);
  return async () => {
    end.abort();
    await all;
  };
}

async function scrapedUnderLoad(t: Test): Promise<Prometheus> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: {
      mode: 'pooled',
      'metrics.jobs': 'on',
      'redis.url': faktory.redisSocket,
      'redis.interval': '500ms',
      'server.info_interval': '500ms',
      // On a busy machine Faktory is slow, and that is no reason for an alert here.
      'writes.late_reply': 'off',
      handshake_timeout: '1m',
      'waiting_line.timeout': '1m',
    },
  });
  await bouncer.isUp();
  const prometheus = await Prometheus.start(t, [`127.0.0.1:${bouncer.adminPort}`], ALERTS);
  const worker = await bouncer.connect({ wid: 'dashboard-test' });
  const rest = keepBusy(() => bouncer.connect(), worker);
  t.teardown(rest);
  const scrapes = 'count_over_time(faktory_bouncer_faktory_processed_jobs_total[1m])';
  await until(async () => Number((await prometheus.query(scrapes))[0]?.value[1] ?? 0) >= 4, {
    what: 'four scrapes',
    withinMs: STARTS_MS,
  });
  return prometheus;
}

const faktoryIsMissing = 'missing' in findFaktory() ? requireFaktory(t) === undefined : false;
const skip = faktoryIsMissing ? 'Faktory is missing' : prometheusIsMissing;

/** These give NaN where nothing was observed, as for a verb that no client sends. */
const MAY_BE_NAN = /^histogram_quantile/;

/** Whether the dashboard has something to draw. */
function isData(query: string, series: readonly Series[]): boolean {
  const numbers = series.filter(({ value }) => value[1] !== 'NaN');
  return numbers.length > 0 && (MAY_BE_NAN.test(query) || numbers.length === series.length);
}

t.test('every query gives data while a bouncer is under load', { skip }, async (t) => {
  const prometheus = await scrapedUnderLoad(t);
  for (const { title, expr } of queries) {
    const filled = expr.replaceAll('$instance', '.+').replaceAll('$__rate_interval', '20s');
    // For a moment after a scrape that failed there is none.
    await until(async () => isData(filled, await prometheus.query(filled)), {
      what: `numbers for ${title}: ${filled}`,
      withinMs: STARTS_MS,
    });
  }
  t.pass(`${queries.length} queries`);
  const alerts = await prometheus.query('ALERTS{alertstate="firing"}');
  t.strictSame(alerts, [], 'no alert fires');
});
