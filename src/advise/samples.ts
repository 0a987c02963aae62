// The samples of /metrics that advice needs, read from Prometheus's text. Pure. Promise: what cannot be read
// is left out.

const PREFIX = 'faktory_bouncer_';
const SAMPLE = /^faktory_bouncer_([a-z_]+(?:\{[^}]*\})?) ([-+0-9.eE]+)$/;

/** Values by name, without prefix, and labels as written: `server_places_taken{role="producer"}`. */
export type Samples = ReadonlyMap<string, number>;

export function samplesOf(text: string): Samples {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (!line.startsWith(PREFIX)) continue;
    const [, name, value] = SAMPLE.exec(line) ?? [];
    if (name !== undefined && Number.isFinite(Number(value))) samples.set(name, Number(value));
  }
  return samples;
}
