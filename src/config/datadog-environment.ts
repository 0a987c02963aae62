// Datadog's own variables, which name a statsd receiver. Promise: one that cannot be used is a warning,
// never a problem, since it is set for many programs.

import type { StatsdTarget } from './config.ts';
import type { Environment } from './environment.ts';
import { parseStatsdUrl } from './statsd-target.ts';

/**
 * What DD_DOGSTATSD_URL or else DD_DOGSTATSD_SOCKET names. DD_AGENT_HOST alone names nothing: Datadog
 * sets it in every pod, for traces too, and each metric has its price there.
 */
export function readDatadogTarget(environment: Environment): {
  readonly target: StatsdTarget | null;
  readonly warnings: readonly string[];
} {
  const warnings: string[] = [];
  for (const [variable, before] of [
    ['DD_DOGSTATSD_URL', ''],
    ['DD_DOGSTATSD_SOCKET', 'unix://'],
  ] as const) {
    const text = (environment[variable] ?? '').trim();
    if (text === '') continue;
    const target = parseStatsdUrl(before + text);
    if (!('refused' in target)) return { target, warnings };
    warnings.push(
      `Cannot send to statsd at the address in ${variable}: ${target.refused}. It is ignored; set statsd.url`,
    );
  }
  return { target: null, warnings };
}
