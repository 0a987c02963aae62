// What the admin API answers, as schemas. Promise: a type that is sent has its schema here, and the
// OpenAPI document is made from them; names are spelled as options and metrics are.

import { z } from 'zod';
import { REFUSAL_REASONS } from '../admission/outcomes.ts';
import { CLIENT_STATES } from '../client/client-states.ts';
import { LANES, SERVER_END_REASONS, SERVER_STATES } from '../server/server-states.ts';
import { HOLDER_STATES, LENDERS } from '../sharing/sharing-counts.ts';

/** Schemas with a name of their own in the document. */
export const NAMED = z.registry<{ id: string }>();

function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  NAMED.add(schema, { id });
  return schema;
}

const count = z.int().min(0);
const seconds = z.number().min(0);
/** Null where it is not known. */
const milliseconds = z.number().min(0).nullable();

/** A count for each of a closed set. */
function countBy<Key extends string>(keys: readonly Key[]) {
  return z.object(Object.fromEntries(keys.map((key) => [key, count])) as Record<Key, typeof count>);
}

/** A number beside the most that it may be and the most that it was since the start. */
const gauge = z.object({
  now: count,
  peak: count.describe('the most since the start'),
  limit: count,
});

const faktory = z.object({
  up: z.boolean().describe("whether the bouncer's own connection is open"),
  last_failure: z.enum(SERVER_END_REASONS).nullable(),
  version: z.string().nullable(),
  connections: count.nullable().describe('as INFO counts them; null where INFO has no answer'),
  enqueued: count.nullable(),
});

const adaptation = z.object({
  fetches_in_flight: count,
  commands_in_flight: count,
  short_ms: milliseconds.describe('how long PUSH, ACK and FAIL take now'),
  long_ms: milliseconds.describe('how long they usually take'),
});

const sharedLimit = z.object({
  lender: z.enum(LENDERS).describe('parent: the processes of this bouncer share its own limit'),
  state: z
    .enum(HOLDER_STATES)
    .describe('fallback: the lender does not renew the lease; few connections are opened'),
  leased: count.describe("places of this bouncer's lease; its own connection needs none"),
  usable: count.describe('server connections that this bouncer may have now'),
  all: z
    .object({
      bouncers: count.describe('those that hold a lease'),
      leased: count,
      used: count.describe('server connections that they have, as each told last'),
      outside: count.describe('places still counted for bouncers whose lease is over'),
      free: z.int().describe('places that can be leased; below 0: more are counted than there are'),
    })
    .nullable()
    .describe('all that share it together; null while the lender is out of reach'),
  trouble: z.string().nullable().describe('why the lender did not answer last; null: it did'),
});

export const stateSchema = named(
  'State',
  z.object({
    at: z.number().describe('milliseconds since 1970'),
    version: z.string(),
    mode: z.enum(['session', 'pooled']),
    draining: z.boolean(),
    paused: z.boolean().nullable().describe('null: this bouncer cannot pause'),
    can_reload: z.boolean(),
    faktory,
    clients: gauge.extend({
      by_state: countBy(CLIENT_STATES),
      by_role: z.object({ producer: count, worker: count, unknown: count }),
      unused: count.describe('idle for a minute or more, and of no worker that FETCHes'),
    }),
    server_connections: gauge.extend({
      producer_reserve: count,
      by_state: countBy(SERVER_STATES),
      by_lane: countBy(LANES),
    }),
    fetches: gauge.extend({ waiting: count }),
    waiting_line: gauge.extend({ oldest_seconds: seconds, producers: count, workers: count }),
    buffered_bytes: z.object({ now: count, limit: count }),
    commands: z.object({ outstanding: count, waiting: count }),
    adaptation: adaptation.nullable().describe('null: limits.adaptive is off'),
    shared_limit: sharedLimit.nullable().describe('null: no limit is shared'),
    writes: z.object({ state: z.string(), held: count }),
    stray_jobs: count,
    accepted: count.describe('client connections since the start'),
    refused: countBy(REFUSAL_REASONS).describe('since the start'),
    would_have_refused: countBy(REFUSAL_REASONS),
  }),
);

const outstanding = z.object({
  verb: z.string().describe('of the command that was passed on last'),
  count: z.int().min(1),
  seconds: seconds.describe('since the oldest was read, or the reply before it came'),
});

const process = {
  wid: z.string(),
  host: z.string(),
  pid: z.int().describe('0 where HELLO has none'),
  labels: z.array(z.string()).max(16),
};

export const clientSchema = named(
  'Client',
  z.object({
    id: z.int().min(1).describe('its number; no other client connection has had it'),
    address: z.string(),
    role: z.enum(['producer', 'worker', 'unknown']),
    state: z.enum(CLIENT_STATES),
    state_seconds: seconds,
    connected_seconds: seconds,
    ...process,
    commands: count,
    outstanding: outstanding.nullable(),
    bytes_received: count,
    bytes_sent: count,
  }),
);

export const workerSchema = named(
  'Worker',
  z.object({
    ...process,
    address: z.string().describe('of its oldest connection'),
    connections: count,
    waiting: count.describe('connections that wait for admission'),
    oldest_wait_seconds: seconds,
    fetches_in_flight: count,
    fetches_waiting: count.describe('FETCHes that are neither answered nor at Faktory'),
    connected_seconds: seconds.describe('of its oldest connection'),
    commands: count,
  }),
);

export const producerSchema = named(
  'Producer',
  z.object({
    address: z.string(),
    connections: count,
    waiting: count.describe('connections that wait for admission'),
    oldest_wait_seconds: seconds,
    outstanding: count.describe('connections with a command that is not answered'),
    connected_seconds: seconds.describe('of its oldest connection'),
    commands: count,
    bytes_received: count,
  }),
);

export const serverSchema = named(
  'Server',
  z.object({
    lane: z.enum(LANES),
    state: z.enum(SERVER_STATES),
    wid: z.string().describe('empty where it speaks for no worker'),
    outstanding: count,
    verb: z.string().nullable().describe('what Faktory works on'),
    seconds: seconds.describe('since when'),
    buffered_bytes: count,
  }),
);

function listOf(id: string, row: z.ZodObject) {
  return named(
    id,
    z.object({ total: count.describe('rows that match'), rows: z.array(row).max(1000) }),
  );
}

export const clientsSchema = listOf('Clients', clientSchema);
export const workersSchema = listOf('Workers', workerSchema);
export const producersSchema = listOf('Producers', producerSchema);
export const serversSchema = listOf('Servers', serverSchema);

const written = z.union([z.string(), z.number(), z.boolean()]);
export const configSchema = named(
  'Config',
  z.object({
    options: z.array(
      z.object({ key: z.string(), value: written, default: written, reloadable: z.boolean() }),
    ),
  }),
);

export const historySchema = named(
  'History',
  z.object({
    samples: z
      .array(
        z.object({
          at: z.int().describe('milliseconds since 1970'),
          clients: count,
          server_connections: count,
          fetches_in_flight: count,
          waiting_line: count,
          refused: count.describe('since the start'),
        }),
      )
      .max(600),
  }),
);

/** What one server-sent event holds: the state, and the first rows of both lists. */
export const updateSchema = named(
  'Update',
  z.object({ state: stateSchema, workers: workersSchema, producers: producersSchema }),
);

export const reloadSchema = named(
  'Reload',
  z.object({
    applied: z.boolean(),
    changed: z.array(z.string()),
    need_restart: z.array(z.string()),
    problems: z.array(z.string()),
    warnings: z.array(z.string()),
  }),
);
export const pauseSchema = named('Pause', z.object({ paused: z.boolean() }));
export const drainSchema = named('Drain', z.object({ draining: z.literal(true) }));
export const disconnectSchema = named('Disconnected', z.object({ disconnected: count }));
export const errorSchema = named('Error', z.object({ error: z.string() }));

export type State = z.infer<typeof stateSchema>;
export type Client = z.infer<typeof clientSchema>;
export type Worker = z.infer<typeof workerSchema>;
export type Producer = z.infer<typeof producerSchema>;
export type Server = z.infer<typeof serverSchema>;
export type Update = { state: State; workers: List<Worker>; producers: List<Producer> };
export type History = z.infer<typeof historySchema>;

/** The rows of one page, and how many there are in all. */
export interface List<Row> {
  readonly total: number;
  readonly rows: readonly Row[];
}
