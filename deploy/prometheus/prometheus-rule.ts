// The alerts as the Prometheus Operator takes them. Promise: the groups of alerts.yaml, and nothing else.
//
// Usage: npm run generate

import { readFileSync, writeFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';

const ALERTS = new URL('alerts.yaml', import.meta.url);
const RULE = new URL('../kubernetes/components/prometheus-operator/alerts.yaml', import.meta.url);

const HEAD = `# The alerts of deploy/prometheus/alerts.yaml for the Prometheus Operator, written by \`npm run generate\`.
`;

/** The file's text. */
export function renderPrometheusRule(): string {
  const { groups } = parse(readFileSync(ALERTS, 'utf8')) as { readonly groups: unknown };
  const rule = {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name: 'faktory-bouncer' },
    spec: { groups },
  };
  return HEAD + stringify(rule, { lineWidth: 100, singleQuote: true });
}

if (import.meta.main) writeFileSync(RULE, renderPrometheusRule());
