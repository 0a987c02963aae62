// The alert rules: each fires when it should and not before, and leads to a section of the runbook.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import { Counts } from '../../src/observe/counts.ts';
import { allFamilies } from '../../src/observe/families/all.ts';
import { createMetrics } from '../../src/observe/prometheus.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { prometheusIsMissing as skip, promtool } from '../support/prometheus.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: 'critical' | 'warning' };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}

const FILE = join(import.meta.dirname, '../../deploy/prometheus/alerts.yaml');
const { groups } = parse(readFileSync(FILE, 'utf8')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

/** Values in promtool's notation, four a minute: for ten minutes all is well, then it is not. */
interface Case {
  /** By metric without its prefix and `instance`, as `name` or `name{labels}`. */
  readonly series: Readonly<Record<string, string>>;
  /** The alert's labels beside `instance` and `severity`. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly isWithoutInstance?: true;
}

const TURNS = '0x40 1x100';
const GROWS = '0x40 0+1x100';
const STAYS = (value: number): string => `${value}x140`;

const CASES: Readonly<Record<string, Case>> = {
  FaktoryBouncerAbsent: { series: { build_info: '1x40' }, isWithoutInstance: true },
  FaktoryBouncerFaktoryDown: { series: { faktory_up: '1x40 0x100' } },
  FaktoryBouncerFaktoryHangs: {
    series: { faktory_up: STAYS(1), faktory_connections: '9x40 stale' },
  },
  FaktoryBouncerWritesNotStored: {
    series: { 'write_state{state="sound"}': '1x40 0x100', 'write_state{state="suspect"}': TURNS },
    labels: { state: 'suspect' },
  },
  FaktoryBouncerSharedLimitLost: {
    series: { 'shared_limit_state{state="fallback"}': TURNS },
    labels: { state: 'fallback' },
  },
  FaktoryBouncerLateReplies: {
    series: { 'late_replies_total{verb="PUSH"}': GROWS },
    labels: { verb: 'PUSH' },
  },
  FaktoryBouncerConnectionsUnused: {
    series: { client_connections_unused: '180x40 181x100', server_connections_limit: STAYS(900) },
  },
  FaktoryBouncerIdleClientsClosed: {
    series: {
      'client_connections_ended_total{reason="reclaimed"}': GROWS,
      'client_connections_ended_total{reason="client_closed"}': '0+5x140',
    },
    labels: { reason: 'reclaimed' },
  },
  FaktoryBouncerNearlyFull: {
    series: { server_connections_saturation_ratio: '0.9x40 0.91x100' },
  },
  FaktoryBouncerClientsRefused: {
    series: {
      'refusals_total{reason="clients"}': GROWS,
      'refusals_total{reason="draining"}': '0+5x140',
    },
    labels: { reason: 'clients' },
  },
  FaktoryBouncerAdmissionSlow: {
    series: {
      'admission_wait_seconds_bucket{outcome="admitted",le="1"}': '0+9x40 360x100',
      'admission_wait_seconds_bucket{outcome="admitted",le="2.5"}': '0+9x40 360+9x100',
      'admission_wait_seconds_bucket{outcome="admitted",le="+Inf"}': '0+9x40 360+9x100',
    },
  },
  FaktoryBouncerPushSlow: {
    series: {
      'command_duration_seconds_bucket{verb="PUSH",le="0.25"}': '0+9x40 360x100',
      'command_duration_seconds_bucket{verb="PUSH",le="0.5"}': '0+9x40 360+9x100',
      'command_duration_seconds_bucket{verb="PUSH",le="+Inf"}': '0+9x40 360+9x100',
      'command_duration_seconds_bucket{verb="FETCH",le="0.25"}': STAYS(0),
      'command_duration_seconds_bucket{verb="FETCH",le="+Inf"}': '0+9x140',
    },
  },
  FaktoryBouncerBypassed: { series: { faktory_connections_past_bouncer: '0x36 5 0x3 1x100' } },
  FaktoryBouncerGuardHits: {
    series: { 'guard_hits_total{rule="bare_verb"}': GROWS },
    labels: { rule: 'bare_verb' },
  },
  FaktoryBouncerStrayJobsLost: {
    series: {
      'stray_jobs_total{fate="left_reserved"}': GROWS,
      'stray_jobs_total{fate="taken_over_same_worker"}': '0+1x140',
    },
    labels: { fate: 'left_reserved' },
  },
  FaktoryBouncerCommandsExpired: {
    series: { 'commands_expired_total{verb="PUSH"}': GROWS },
    labels: { verb: 'PUSH' },
  },
  FaktoryBouncerOutcomeUnknown: {
    series: { 'commands_outcome_unknown_total{verb="ACK"}': GROWS },
    labels: { verb: 'ACK' },
  },
  FaktoryBouncerProcessRestarts: { series: { process_restarts_total: GROWS } },
  FaktoryBouncerDefect: { series: { bugs_total: GROWS, unexpected_replies_total: STAYS(0) } },
  FaktoryBouncerRedisNearlyFull: {
    series: { redis_connected_clients: '900x40 901x100', redis_max_clients: STAYS(1000) },
  },
  FaktoryBouncerOpenFilesNearlyFull: {
    series: { process_open_fds: '900x40 901x100', process_max_fds: STAYS(1000) },
  },
  FaktoryBouncerEventLoopBlocked: {
    series: { nodejs_eventloop_lag_p99_seconds: '0.1x40 0.11x100' },
  },
  FaktoryBouncerStatsdFails: { series: { statsd_errors_total: GROWS } },
  FaktoryBouncerReloadRefused: { series: { config_last_reload_successful: '1x40 0x100' } },
  FaktoryBouncerPaused: { series: { paused: TURNS } },
  FaktoryBouncerCertificateExpires: {
    // promtool's time begins at 0.
    series: {
      'certificate_expiry_timestamp_seconds{option="listen.tls.certificate"}':
        '1296000x40 1209000x100',
    },
    labels: { option: 'listen.tls.certificate' },
  },
  FaktoryBouncerRepliesUntaken: {
    series: { 'client_connections_ended_total{reason="replies_untaken"}': GROWS },
    labels: { reason: 'replies_untaken' },
  },
};

const INSTANCE = '10.0.0.5:7421';

/** promtool's test of one rule: silent after ten minutes, firing at the end. */
function testOf(rule: Rule, { series, labels = {}, isWithoutInstance }: Case): object {
  const own = isWithoutInstance === true ? {} : { instance: INSTANCE };
  const summary = rule.annotations.summary.replaceAll(
    /\{\{ \$labels\.(\w+) \}\}/g,
    (_all, label: string) => labels[label] ?? '',
  );
  const alert = {
    exp_labels: { ...rule.labels, ...own, ...labels },
    exp_annotations: { ...rule.annotations, summary },
  };
  return {
    interval: '15s',
    input_series: Object.entries(series).map(([name, values]) => ({
      series: fullName(name),
      values,
    })),
    alert_rule_test: [
      { eval_time: '10m', alertname: rule.alert, exp_alerts: [] },
      { eval_time: '30m', alertname: rule.alert, exp_alerts: [alert] },
    ],
  };
}

function fullName(name: string): string {
  const [metric = '', labels = ''] = name.split(/[{}]/);
  return `faktory_bouncer_${metric}{instance="${INSTANCE}"${labels === '' ? '' : `,${labels}`}}`;
}

function runTests(t: Test, tests: readonly object[]): void {
  const directory = mkdtempSync(join(tmpdir(), 'alerts-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'tests.yaml');
  const evaluation = { rule_files: [FILE], evaluation_interval: '15s' };
  writeFileSync(file, JSON.stringify({ ...evaluation, tests }));
  const { status, output } = promtool(['test', 'rules', file]);
  t.equal(status, 0, output);
}

t.test('the file is one that Prometheus loads', { skip }, async (t) => {
  const { status, output } = promtool(['check', 'rules', '--lint=all', '--lint-fatal', FILE]);
  t.equal(status, 0, output);
});

t.test('every alert fires when it should, and is silent before', { skip }, async (t) => {
  t.strictSame(Object.keys(CASES).sort(), rules.map(({ alert }) => alert).sort());
  const tests = rules.map((rule) => testOf(rule, CASES[rule.alert] ?? { series: {} }));
  t.ok(tests.length > 15);
  runTests(t, tests);
});

t.test('an alert waits for as long as it says', { skip }, async (t) => {
  const rule = rules.find(({ alert }) => alert === 'FaktoryBouncerFaktoryDown');
  const input_series = [{ series: fullName('faktory_up'), values: '1x40 0x100' }];
  const at = (eval_time: string, fires: boolean): object => ({
    eval_time,
    alertname: rule?.alert,
    exp_alerts: fires
      ? [
          {
            exp_labels: { ...rule?.labels, instance: INSTANCE },
            exp_annotations: rule?.annotations,
          },
        ]
      : [],
  });
  // Down from 10m15s on, for: 1m.
  const alert_rule_test = [at('11m', false), at('11m15s', true)];
  runTests(t, [{ interval: '15s', input_series, alert_rule_test }]);
});

t.test('an alert names only metrics that exist', async (t) => {
  const scrape = await createMetrics(allFamilies('0.1.0'), new Counts(), fullSnapshot).render();
  for (const { alert, expr } of rules) {
    for (const [name] of expr.matchAll(/faktory_bouncer_\w+/g)) {
      t.ok(scrape.includes(`\n${name} `) || scrape.includes(`\n${name}{`), `${alert} ${name}`);
    }
  }
});

t.test('every alert has its section in the runbook, and each section its alert', async (t) => {
  const runbook = readFileSync(join(import.meta.dirname, '../../docs/runbook.md'), 'utf8');
  const sections = [...runbook.matchAll(/^## (.+)$/gm)].map(({ 1: heading = '' }) => heading);
  t.strictSame(
    sections,
    rules.map(({ alert }) => alert),
  );
  for (const { alert, annotations } of rules) {
    t.equal(annotations.runbook_url, `docs/runbook.md#${alert.toLowerCase()}`);
  }
});
