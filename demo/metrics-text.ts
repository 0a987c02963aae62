// Prometheus text as figures. Promise: pure; a metric that is not there sums to 0.

export interface MetricSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Reads the text of a /metrics page; comments and lines it does not understand are left out. */
export function parseMetrics(text: string): readonly MetricSample[] {
  const samples: MetricSample[] = [];
  for (const line of text.split('\n')) {
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    const [, name, labels = '', value] = match ?? [];
    if (name === undefined || value === undefined) continue;
    samples.push({ name, labels: parseLabels(labels), value: Number(value) });
  }
  return samples;
}

/** The sum over all samples of `name` that carry the given labels. */
export function sumOf(
  samples: readonly MetricSample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  const wanted = Object.entries(labels);
  let sum = 0;
  for (const sample of samples) {
    if (sample.name !== name) continue;
    if (wanted.every(([key, value]) => sample.labels[key] === value)) sum += sample.value;
  }
  return sum;
}

/** The server connections that a bouncer shows, without places whose dial has not begun. */
export function serverConnections(samples: readonly MetricSample[]): number {
  const name = 'faktory_bouncer_server_connections';
  return sumOf(samples, name) - sumOf(samples, name, { state: 'queued' });
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, key, value] of text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)) {
    if (key !== undefined && value !== undefined) labels[key] = value;
  }
  return labels;
}
