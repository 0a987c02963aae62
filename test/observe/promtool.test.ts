// What Prometheus's own tool says of a scrape.

import t from 'tap';
import { Counts } from '../../src/observe/counts.ts';
import { allFamilies } from '../../src/observe/families/all.ts';
import { createMetrics } from '../../src/observe/prometheus.ts';
import { fullSnapshot } from '../support/full-snapshot.ts';
import { prometheusIsMissing as skip, promtool } from '../support/prometheus.ts';

t.test(
  'promtool finds nothing wrong with a scrape in which everything is there',
  { skip },
  async (t) => {
    const metrics = createMetrics(allFamilies('0.1.0'), new Counts(), fullSnapshot);
    const { status, output } = promtool(['check', 'metrics'], await metrics.render());
    t.equal(output, '');
    t.equal(status, 0);
  },
);
