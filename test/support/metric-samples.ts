// What /metrics says, for tests.

const PREFIX = 'faktory_bouncer_';

/** Every sample of the page at `adminUrl`. */
export async function metricSamples(adminUrl: string): Promise<Map<string, number>> {
  const response = await fetch(`${adminUrl}/metrics`);
  return samplesIn(await response.text());
}

/** Every sample by its name without the prefix and its labels as written: `clients{role="worker"}`. */
export function samplesIn(page: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of page.split('\n')) {
    const space = line.lastIndexOf(' ');
    if (line === '' || line.startsWith('#')) continue;
    samples.set(line.slice(0, space).replace(PREFIX, ''), Number(line.slice(space + 1)));
  }
  return samples;
}
