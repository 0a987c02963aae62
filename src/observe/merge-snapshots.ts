// The snapshots of several processes as the snapshot of one bouncer. Pure. Promise: what each process has for
// itself is added up, what all of them have in common is told once, and of states the worst is told.

import { SERVER_STATES } from '../server/server-states.ts';
import { WRITE_STATES } from '../server/write-health.ts';
import type { HolderState } from '../sharing/sharing-counts.ts';
import { serversIn } from './families/servers.ts';
import type { Snapshot } from './snapshot.ts';

/** Null for no snapshot. The peaks are sums: no instant needs to have had as many. */
export function mergedSnapshot(
  snapshots: readonly Snapshot[],
  processes: Snapshot['processes'],
): Snapshot | null {
  const [first] = snapshots;
  if (first === undefined) return null;
  const up = snapshots.filter(({ faktory }) => faktory.up);
  const certificates = new Map(
    snapshots.flatMap((one) => one.certificates.map((found) => [found.option, found] as const)),
  );
  return {
    draining: snapshots.some(({ draining }) => draining),
    paused: snapshots.some(({ paused }) => paused),
    processes,
    mode: first.mode,
    clients: summed(snapshots.map(({ clients }) => clients)),
    unusedClients: sum(snapshots, ({ unusedClients }) => unusedClients),
    servers: summed(snapshots.map(({ servers }) => servers)),
    placesTaken: summed(snapshots.map(({ placesTaken }) => placesTaken)),
    limits: summed(snapshots.map(({ limits }) => limits)),
    peaks: summed(snapshots.map(({ peaks }) => peaks)),
    waitingLine: {
      length: summed(snapshots.map(({ waitingLine }) => waitingLine.length)),
      oldestWaitSeconds: Math.max(
        ...snapshots.map(({ waitingLine }) => waitingLine.oldestWaitSeconds),
      ),
    },
    fetches: summed(snapshots.map(({ fetches }) => fetches)),
    commandLane: {
      outstanding: sum(snapshots, ({ commandLane }) => commandLane.outstanding),
      waiting: sum(snapshots, ({ commandLane }) => commandLane.waiting),
      commandMs: most(snapshots.map(({ commandLane }) => commandLane.commandMs)),
    },
    adaptation: adaptationOf(snapshots),
    writes: {
      state:
        WRITE_STATES.findLast((name) => snapshots.some(({ writes }) => writes.state === name)) ??
        'sound',
      held: sum(snapshots, ({ writes }) => writes.held),
    },
    // A worker with clients in two processes counts in both.
    workers: sum(snapshots, ({ workers }) => workers),
    strayJobs: sum(snapshots, ({ strayJobs }) => strayJobs),
    bufferedBytes: sum(snapshots, ({ bufferedBytes }) => bufferedBytes),
    faktory: {
      up: up.length === snapshots.length,
      info: newestInfo(up.length > 0 ? up : snapshots),
    },
    redis: snapshots.find(({ redis }) => redis !== null)?.redis ?? null,
    sharedLimit: sharedLimitOf(snapshots),
    certificates: [...certificates.values()],
    lastFailure: snapshots.find(({ lastFailure }) => lastFailure !== null)?.lastFailure ?? null,
  };
}

/** The one that Faktory has answered last: its commands only grow, until Faktory starts again. */
function newestInfo(snapshots: readonly Snapshot[]): Snapshot['faktory']['info'] {
  let newest: Snapshot['faktory']['info'] = null;
  for (const { faktory } of snapshots) {
    if (faktory.info === null) continue;
    if (newest === null || faktory.info.commands > newest.commands) newest = faktory.info;
  }
  return newest;
}

function adaptationOf(snapshots: readonly Snapshot[]): Snapshot['adaptation'] {
  const found = snapshots.flatMap(({ adaptation }) => (adaptation === null ? [] : [adaptation]));
  if (found.length === 0) return null;
  return {
    fetchesInFlight: sum(found, ({ fetchesInFlight }) => fetchesInFlight),
    commandsInFlight: sum(found, ({ commandsInFlight }) => commandsInFlight),
    shortMs: most(found.map(({ shortMs }) => shortMs)),
    longMs: most(found.map(({ longMs }) => longMs)),
  };
}

function sharedLimitOf(snapshots: readonly Snapshot[]): Snapshot['sharedLimit'] {
  const found = snapshots.flatMap(({ sharedLimit }) => (sharedLimit === null ? [] : [sharedLimit]));
  const [first] = found;
  if (first === undefined) return null;
  const inState = (name: HolderState): boolean => found.some(({ state }) => state === name);
  return {
    lender: first.lender,
    // `starting` says that a process has nothing yet; `fallback` that it has lost something.
    state: (['fallback', 'starting'] as const).find(inState) ?? 'leased',
    leased: sum(found, ({ leased }) => leased),
    usable: sum(found, ({ usable }) => usable),
    house: found.find(({ house }) => house !== null)?.house ?? null,
    elsewhere: elsewhereOf(snapshots),
    trouble: found.find(({ trouble }) => trouble !== null)?.trouble ?? null,
  };
}

/** What others than these processes may have: each counts the rest of them among the others. */
function elsewhereOf(snapshots: readonly Snapshot[]): number | null {
  const total = sum(snapshots, serversOf);
  const known = snapshots.flatMap((one) => {
    const elsewhere = one.sharedLimit?.elsewhere ?? null;
    return elsewhere === null ? [] : [Math.max(0, elsewhere - (total - serversOf(one)))];
  });
  return known.length === 0 ? null : Math.min(...known);
}

function serversOf({ servers }: Snapshot): number {
  return serversIn({ servers }, SERVER_STATES);
}

function sum<One>(all: readonly One[], read: (one: One) => number): number {
  return all.reduce((total, one) => total + read(one), 0);
}

/** The largest that is known. */
function most(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** Numbers of the same shape, added up. */
function summed<Shape extends object>(shapes: readonly Shape[]): Shape {
  const total = structuredClone(shapes[0]) as Shape;
  for (const shape of shapes.slice(1)) addTo(total, shape);
  return total;
}

function addTo(total: object, more: object): void {
  const sums = total as Record<string, unknown>;
  for (const [name, value] of Object.entries(more)) {
    const before = sums[name];
    if (typeof before === 'number' && typeof value === 'number') sums[name] = before + value;
    else if (typeof before === 'object' && before !== null) addTo(before, value as object);
  }
}
