// Faktory's answer to INFO as a value. Promise: whatever the bytes are, the result is a whole
// FaktoryInfo or null; a number that is missing or wrong is never read as 0. Pure.

/** Faktory's last INFO; null before the first answer. */
export interface FaktoryInfo {
  readonly version: string;
  readonly uptimeSeconds: number;
  readonly connections: number;
  readonly commands: number;
  readonly queues: number;
  readonly queueNames: readonly string[];
  readonly enqueued: number;
  readonly processed: number;
  readonly failures: number;
  /** Null where INFO does not say. */
  readonly tasks: Readonly<Record<'scheduled' | 'retries' | 'dead', number | null>>;
  /** Jobs in each of the first queues by name, QUEUES_MAX at most. */
  readonly queueSizes: ReadonlyMap<string, number>;
}

/** Queues whose size is kept. INFO itself is read up to 64 KiB. */
const QUEUES_MAX = 200;
/** Faktory's own pattern (v1.7.0 storage/redis.go ValidQueueName), and a length. */
const QUEUE_NAME = /^[a-zA-Z0-9._-]{1,100}$/;

/** Reads the JSON of INFO's bulk reply; null if a field that is read is missing. */
export function parseFaktoryInfo(json: Uint8Array | string): FaktoryInfo | null {
  const root = asObject(parseJson(typeof json === 'string' ? json : decoder.decode(json)));
  const server = asObject(root?.['server']);
  const faktory = asObject(root?.['faktory']);
  if (server === null || faktory === null) return null;
  const version = server['faktory_version'];
  const uptimeSeconds = asCount(server['uptime']);
  const connections = asCount(server['connections']);
  const commands = asCount(server['command_count']);
  const queues = asCount(faktory['total_queues']);
  const sizeByQueue = asObject(faktory['queues']) ?? {};
  const enqueued = asCount(faktory['total_enqueued']);
  const processed = asCount(faktory['total_processed']);
  const failures = asCount(faktory['total_failures']);
  if (
    typeof version !== 'string' ||
    uptimeSeconds === null ||
    connections === null ||
    commands === null ||
    queues === null ||
    enqueued === null ||
    processed === null ||
    failures === null
  ) {
    return null;
  }
  return {
    version,
    uptimeSeconds,
    connections,
    commands,
    queues,
    queueNames: Object.keys(sizeByQueue),
    enqueued,
    processed,
    failures,
    tasks: tasksOf(asObject(faktory['tasks'])),
    queueSizes: sizesOf(sizeByQueue),
  };
}

function tasksOf(tasks: Record<string, unknown> | null): FaktoryInfo['tasks'] {
  const size = (name: string): number | null => asCount(asObject(tasks?.[name])?.['size']);
  return { scheduled: size('Scheduled'), retries: size('Retries'), dead: size('Dead') };
}

function sizesOf(queues: Record<string, unknown>): ReadonlyMap<string, number> {
  const sizes = new Map<string, number>();
  for (const [name, value] of Object.entries(queues)) {
    const size = asCount(value);
    if (size !== null && QUEUE_NAME.test(name)) sizes.set(name, size);
    if (sizes.size === QUEUES_MAX) break;
  }
  return sizes;
}

const decoder = new TextDecoder();

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function asObject(value: unknown): Record<string, unknown> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  return value as Record<string, unknown>;
}

/** Faktory counts in unsigned integers; anything else is not a count. */
function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}
