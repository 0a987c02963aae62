// The Grafana dashboard, made from its panels: `npm run generate` writes faktory-bouncer.json beside
// this file, a test compares them.

import { writeFileSync } from 'node:fs';
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { type Panel, type Query, ROWS } from './panels.ts';

/** From the project's root. */
export const DASHBOARD_PATH = 'deploy/grafana/faktory-bouncer.json';

const SOURCE = { type: 'prometheus', uid: '${datasource}' };
const SIZES = { stat: { width: 6, height: 4 }, graph: { width: 12, height: 8 } } as const;

/** The JSON that Grafana imports. */
export function renderDashboard(): string {
  const dashboard = new DashboardBuilder('faktory-bouncer')
    .uid('faktory-bouncer')
    .description('Written by npm run generate; change deploy/grafana/panels.ts instead.')
    .tags(['faktory', 'faktory-bouncer'])
    .timezone('browser')
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    )
    .withVariable(
      new QueryVariableBuilder('instance')
        .label('Bouncer')
        .datasource(SOURCE)
        .query('label_values(faktory_bouncer_build_info, instance)')
        .refresh(VariableRefresh.OnTimeRangeChanged)
        .multi(true)
        .includeAll(true)
        .allValue('.+')
        .current({ selected: true, text: 'All', value: '$__all' }),
    );
  let id = 0;
  for (const { title, panels } of ROWS) {
    dashboard.withRow(new RowBuilder(title).id((id += 1)));
    for (const panel of panels) dashboard.withPanel(builderOf(panel).id((id += 1)));
  }
  return `${JSON.stringify(dashboard.build(), null, 2)}\n`;
}

function builderOf({ title, about, unit, kind, queries }: Panel): GraphBuilder | StatBuilder {
  const { width, height } = SIZES[kind];
  const builder = kind === 'stat' ? new StatBuilder() : new GraphBuilder().min(0);
  builder.title(title).description(about).unit(unit).span(width).height(height).datasource(SOURCE);
  queries.forEach((query, index) => builder.withTarget(targetOf(query, index)));
  return builder;
}

function targetOf({ expr, legend }: Query, index: number): DataqueryBuilder {
  const refId = String.fromCodePoint(0x41 + index);
  return new DataqueryBuilder().expr(expr).legendFormat(legend).refId(refId).datasource(SOURCE);
}

if (import.meta.main) {
  writeFileSync(new URL('faktory-bouncer.json', import.meta.url), renderDashboard());
}
