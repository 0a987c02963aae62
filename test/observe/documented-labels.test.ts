// docs/metrics.md's vocabularies are the code's closed sets.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { Counts } from '../../src/observe/counts.ts';
import { allFamilies } from '../../src/observe/families/all.ts';
import { createMetrics } from '../../src/observe/prometheus.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';

/** Labels whose values are numbers, versions or Node's own words. */
const OPEN_LABELS = new Set(['le', 'version', 'node_version', 'type', 'kind', 'space']);

t.test('every label value that a scrape shows is in the docs', async (t) => {
  const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const text = await createMetrics(allFamilies('0.1.0'), new Counts(), fullSnapshot).render();
  const seen = new Set<string>();
  for (const [, label = '', value] of text.matchAll(/[{,](\w+)="([^"]*)"/g)) {
    if (OPEN_LABELS.has(label) || ['major', 'minor', 'patch'].includes(label)) continue;
    seen.add(value ?? '');
  }
  t.ok(seen.size > 60);
  for (const value of seen) t.ok(docs.includes(`\`${value}\``), value);
});
