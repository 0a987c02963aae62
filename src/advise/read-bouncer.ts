// Looks at a running bouncer, once or for a time. Promise: it only reads; what it keeps is bounded.

import { setTimeout as sleep } from 'node:timers/promises';
import { read, shownTarget, type Target } from '../admin/admin-client.ts';
import type { Client, List, State } from '../admin/schemas.ts';
import { type Look, type Looks } from './from-bouncer.ts';
import { samplesOf } from './samples.ts';

const PAGE_ROWS = 1000;
/** With limits.clients at its default, twice as many as there can be. */
const CLIENTS_MAX = 20_000;
const LOOK_EVERY_MS = 1000;

export interface Watch {
  readonly target: Target;
  /** The operator token; empty for none. */
  readonly token: string;
  /** How long to look; 0: once. */
  readonly forMs: number;
  readonly signal: AbortSignal;
  /** Told before each look of a watch: milliseconds that are left. */
  readonly onProgress: (leftMs: number) => void;
}

/** Rejects where nothing can be read. An aborted watch ends with what it has seen. */
export async function watchBouncer(watch: Watch): Promise<Looks> {
  const { target, forMs, signal, onProgress } = watch;
  const isWatch = forMs > 0;
  const clientsBefore = isWatch ? await clientsOf(watch) : null;
  const looks: [Look, ...Look[]] = [await lookAt(watch)];
  for (let leftMs = forMs; leftMs > 0 && !signal.aborted; leftMs -= LOOK_EVERY_MS) {
    onProgress(leftMs);
    await sleep(Math.min(leftMs, LOOK_EVERY_MS), undefined, { signal }).catch(() => {});
    looks.push(await lookAt(watch));
  }
  return {
    source: shownTarget(target),
    looks,
    options: await optionsOf(watch),
    clients: await clientsOf(watch),
    clientsBefore,
  };
}

/** An aborted watch still tells what it has seen, so that what is read last has no signal. */
const NO_SIGNAL = new AbortController().signal;

function readFrom({ target, token }: Watch, path: string): Promise<string> {
  return read(target, token, path, NO_SIGNAL);
}

async function lookAt(watch: Watch): Promise<Look> {
  const [state, metrics] = await Promise.all([
    readFrom(watch, '/api/state'),
    readFrom(watch, '/metrics'),
  ]);
  return { state: JSON.parse(state) as State, samples: samplesOf(metrics) };
}

async function optionsOf(watch: Watch): Promise<ReadonlyMap<string, unknown>> {
  const { options } = JSON.parse(await readFrom(watch, '/api/config')) as {
    options: readonly { key: string; value: unknown }[];
  };
  return new Map(options.map(({ key, value }) => [key, value]));
}

/** All clients; one that moves from a page to another meanwhile is counted once, or missed. */
async function clientsOf(watch: Watch): Promise<readonly Client[]> {
  const clients = new Map<number, Client>();
  for (let offset = 0; offset < CLIENTS_MAX; offset += PAGE_ROWS) {
    const path = `/api/clients?limit=${PAGE_ROWS}&offset=${offset}`;
    const { rows } = JSON.parse(await readFrom(watch, path)) as List<Client>;
    for (const row of rows) clients.set(row.id, row);
    if (rows.length < PAGE_ROWS) break;
  }
  return [...clients.values()];
}
