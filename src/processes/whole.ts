// What all processes together have to tell, as one bouncer. Promise: what a process has counted stays counted
// when it ends; a process that does not answer is told as it was when it last did; times and numbers of
// connections are those of the parent process.

import type { ClientChoice, ClientFacts } from '../client/client-facts.ts';
import type { Readiness } from '../admin/route.ts';
import type { Clock } from '../base/clock.ts';
import { Counts } from '../observe/counts.ts';
import { clientsIn } from '../observe/families/clients.ts';
import { addFigures, figuresOf } from '../observe/merge-counts.ts';
import { mergedSnapshot } from '../observe/merge-snapshots.ts';
import {
  leftBehind,
  type ProcessMetric,
  type Whole as WholeMetrics,
} from '../observe/prometheus.ts';
import type { ReloadCounts } from '../observe/reload-counts.ts';
import type { Snapshot } from '../observe/snapshot.ts';
import type { ServerFacts } from '../server/server-facts.ts';
import { Freshly } from './freshly.ts';
import { Looks, type LooksParts, type Told } from './looks.ts';
import type { Rows } from './messages.ts';

export interface WholeParts extends Pick<LooksParts, 'serving' | 'onSilent'> {
  readonly clock: Clock;
  /** Processes that are configured. */
  readonly count: number;
  readonly restarted: () => number;
  /** As in Counts. */
  readonly jobsMax: number;
  /** The parent reads the configuration. */
  readonly reloads: ReloadCounts;
  /** What the parent lends; null: it lends nothing. */
  readonly lent: () => Pick<Snapshot['limits'], 'serverConnections' | 'producerReserve'> | null;
}

/** Rows cost at most this part of the time, and are brought so long after they were last read. */
const ROWS_SHARE = 20;
const ROWS_WANTED_MS = 5000;

export class Whole {
  readonly #parts: WholeParts;
  readonly #looks: Looks;
  readonly #rows = new Map<number, Rows & { readonly seenAt: number }>();
  /** Of processes that have ended. */
  readonly #left: Counts;
  #leftMetrics: readonly ProcessMetric[] = [];
  #counts: Counts;
  #snapshot: Snapshot | null = null;
  #peaks: Snapshot['peaks'] = {
    clients: 0,
    serverConnections: 0,
    fetchesInFlight: 0,
    waitingLine: 0,
  };
  readonly #looking: Freshly;
  readonly #bringing: Freshly;
  #rowsAt = -Infinity;
  #rowsMs = 0;
  #rowsReadAt = -Infinity;

  constructor(parts: WholeParts) {
    this.#parts = parts;
    this.#left = new Counts(parts.jobsMax);
    this.#counts = new Counts(parts.jobsMax);
    const { serving, onSilent } = parts;
    this.#looks = new Looks({ serving, onSilent, onBack: () => this.#merge() });
    this.#looking = new Freshly(parts.clock, () => this.#look());
    this.#bringing = new Freshly(parts.clock, () => this.#bring());
  }

  /** Of the last look. */
  get counts(): Counts {
    return this.#counts;
  }

  /** Of the last look. Throws before the first one. */
  get snapshot(): Snapshot {
    if (this.#snapshot === null) throw new Error('Cannot tell anything: no process has answered');
    return this.#snapshot;
  }

  /** Something was changed on purpose: what is told next is of a new look. */
  forget(): void {
    this.#looking.forget();
    this.#bringing.forget();
    this.#rowsAt = -Infinity;
  }

  /** Asks every process; resolves when those that are known to answer have, or have not in time. */
  look(): Promise<void> {
    return this.#looking.done();
  }

  /** The same, for each connection. */
  bringRows(): Promise<void> {
    return this.#bringing.done();
  }

  /** Periodic: looks, and brings rows if they were read not long ago. */
  async tick(): Promise<void> {
    const now = this.#parts.clock.now();
    const areWanted = now - this.#rowsReadAt < ROWS_WANTED_MS;
    const mayCost = now - this.#rowsAt >= this.#rowsMs * ROWS_SHARE;
    await Promise.all([this.look(), areWanted && mayCost ? this.bringRows() : null]);
  }

  /** The process `index` is gone; what it has counted stays. */
  async ended(index: number): Promise<void> {
    const look = this.#looks.ended(index);
    this.#rows.delete(index);
    if (look === null) return;
    addFigures(this.#left, look.figures);
    this.#merge();
    this.#leftMetrics = await leftBehind(this.#leftMetrics, look.own);
  }

  /** Of the last look, for a page of metrics. */
  async metrics(): Promise<WholeMetrics> {
    const processes = this.#looks.told.flatMap(({ look }) => (look === null ? [] : [look.own]));
    return {
      source: { counts: this.#counts, snapshot: this.snapshot },
      processes: [...processes, this.#leftMetrics],
    };
  }

  /** Ready if one process is: the kernel sends no client to one that has gone. */
  readiness(): Readiness {
    const { told } = this.#looks;
    const found = told.map((one) => ({ index: one.index, readiness: readinessOf(one) }));
    const { count } = this.#parts;
    const notes = found.flatMap(({ index, readiness }) => {
      if (!readiness.ready) return [`process ${index}: ${readiness.reason}`];
      return readiness.detail === undefined ? [] : [`process ${index}: ${readiness.detail}`];
    });
    if (found.length < count) notes.unshift(`${found.length} of ${count} processes run`);
    if (!found.some(({ readiness }) => readiness.ready)) {
      // Mostly all have the same reason.
      const reasons = new Set(
        found.map(({ readiness: one }) => ('reason' in one ? one.reason : '')),
      );
      const isCommon =
        reasons.size === 1 && found.length === count && told.every(({ isSilent }) => !isSilent);
      return { ready: false, reason: isCommon ? [...reasons].join() : notes.join('; ') };
    }
    return notes.length === 0 ? { ready: true } : { ready: true, detail: notes.join('; ') };
  }

  *clientFacts(): Generator<ClientFacts, void, undefined> {
    this.#rowsReadAt = this.#parts.clock.now();
    const { count } = this.#parts;
    for (const [index, { now, seenAt, clients }] of this.#rows) {
      const shift = seenAt - now;
      for (const facts of clients) {
        yield {
          ...facts,
          id: facts.id * count + index,
          stateSince: facts.stateSince + shift,
          acceptedAt: facts.acceptedAt + shift,
          outstanding:
            facts.outstanding === null
              ? null
              : { ...facts.outstanding, since: facts.outstanding.since + shift },
        };
      }
    }
  }

  *serverFacts(): Generator<ServerFacts, void, undefined> {
    this.#rowsReadAt = this.#parts.clock.now();
    for (const { now, seenAt, servers } of this.#rows.values()) {
      const shift = seenAt - now;
      for (const facts of servers) {
        const head =
          facts.head === null ? null : { ...facts.head, since: facts.head.since + shift };
        yield { ...facts, head };
      }
    }
  }

  /** Closes the clients that `choice` means; resolves with how many. */
  async disconnect(choice: ClientChoice): Promise<number> {
    const { count, serving } = this.#parts;
    const { id, ...others } = choice;
    const chosen = serving().filter(({ index }) => id === undefined || id % count === index);
    const own = id === undefined ? others : { ...others, id: Math.floor(id / count) };
    const closed = await Promise.all(
      chosen.map((child) => child.ask({ kind: 'disconnect', choice: own })),
    );
    this.forget();
    return closed.reduce<number>((sum, number) => sum + (number ?? 0), 0);
  }

  async #look(): Promise<void> {
    await this.#looks.look();
    this.#merge();
  }

  async #bring(): Promise<void> {
    const { clock, serving } = this.#parts;
    const askedAt = clock.now();
    let tookMs = 0;
    // Of one that does not answer, the rows stay as they are; its next look shows when it does again.
    const asked = serving().filter(({ index }) => !this.#looks.isSilent(index));
    await Promise.all(
      asked.map(async (child) => {
        const rows = await child.ask({ kind: 'rows' });
        if (rows === null || !child.isListening) return;
        const seenAt = clock.now();
        // Waiting for one that does not answer costs nothing.
        tookMs = Math.max(tookMs, seenAt - askedAt);
        this.#rows.set(child.index, { ...rows, seenAt });
      }),
    );
    this.#rowsAt = clock.now();
    this.#rowsMs = tookMs;
  }

  #merge(): void {
    const { told } = this.#looks;
    const looks = told.flatMap(({ look }) => (look === null ? [] : [look]));
    const counts = new Counts(this.#parts.jobsMax);
    addFigures(counts, figuresOf(this.#left));
    for (const { figures } of looks) addFigures(counts, figures);
    Object.assign(counts.reloads, this.#parts.reloads);
    this.#counts = counts;
    const processes = {
      listening: told.length,
      silent: told.filter(({ isSilent }) => isSilent).length,
      restarts: this.#parts.restarted(),
    };
    const merged = mergedSnapshot(
      looks.map(({ snapshot }) => snapshot),
      processes,
    );
    if (merged !== null) this.#snapshot = this.#asOne(merged);
    else if (this.#snapshot !== null) this.#snapshot = withNothing(this.#snapshot, processes);
  }

  /** What the parent knows better than the sum of the processes. */
  #asOne(merged: Snapshot): Snapshot {
    const { placesTaken, waitingLine, fetches } = merged;
    const before = this.#peaks;
    this.#peaks = {
      clients: Math.max(before.clients, clientsIn(merged)),
      serverConnections: Math.max(
        before.serverConnections,
        placesTaken.producer + placesTaken.worker,
      ),
      fetchesInFlight: Math.max(before.fetchesInFlight, fetches.inFlight),
      waitingLine: Math.max(
        before.waitingLine,
        waitingLine.length.producer + waitingLine.length.worker,
      ),
    };
    return { ...merged, peaks: this.#peaks, limits: { ...merged.limits, ...this.#parts.lent() } };
  }
}

function readinessOf({ look, isSilent }: Told): Readiness {
  if (look === null || isSilent) return { ready: false, reason: 'it does not answer' };
  return look.readiness;
}

/** All processes have ended: of what they had, nothing is there. */
function withNothing(last: Snapshot, processes: Snapshot['processes']): Snapshot {
  const nothing = structuredClone({
    clients: last.clients,
    servers: last.servers,
    placesTaken: last.placesTaken,
    waitingLine: last.waitingLine,
    fetches: last.fetches,
  });
  emptied(nothing);
  return {
    ...last,
    ...nothing,
    processes,
    unusedClients: 0,
    commandLane: { outstanding: 0, waiting: 0, commandMs: null },
    workers: 0,
    strayJobs: 0,
    bufferedBytes: 0,
    faktory: { ...last.faktory, up: false },
  };
}

function emptied(holder: object): void {
  const values = holder as Record<string, unknown>;
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number') values[name] = 0;
    else if (typeof value === 'object' && value !== null) emptied(value);
  }
}
