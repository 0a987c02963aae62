// Every metric family, once: what /metrics shows and what goes to statsd are this list.

import { bouncerFamilies } from './bouncer.ts';
import { CLIENT_FAMILIES } from './clients.ts';
import { COMMAND_FAMILIES } from './commands.ts';
import { FAKTORY_FAMILIES } from './faktory.ts';
import type { Family } from './family.ts';
import { JOB_FAMILIES } from './jobs.ts';
import { SERVER_FAMILIES } from './servers.ts';
import { SHARING_FAMILIES } from './sharing.ts';
import { STATSD_FAMILIES } from './statsd.ts';
import { TLS_FAMILIES } from './tls.ts';
import { WRITE_FAMILIES } from './writes.ts';

/** `version` is the bouncer's own, from its package.json. */
export function allFamilies(version: string): readonly Family[] {
  return [
    ...CLIENT_FAMILIES,
    ...SERVER_FAMILIES,
    ...SHARING_FAMILIES,
    ...COMMAND_FAMILIES,
    ...JOB_FAMILIES,
    ...WRITE_FAMILIES,
    ...FAKTORY_FAMILIES,
    ...TLS_FAMILIES,
    ...STATSD_FAMILIES,
    ...bouncerFamilies(version),
  ];
}
