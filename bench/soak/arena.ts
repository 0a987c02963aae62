// One mode's part of a soak: a Faktory, bad networks on both sides of a bouncer, and a market. Promise: what is
// measured of the bouncer is read as an operator reads it, from outside of its process.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { Market } from '../../test/faults/support/market.ts';
import { BadNetwork } from '../../test/faults/support/bad-network.ts';
import { BouncerProcess } from '../../test/faults/support/bouncer-process.ts';
import { heldByFaktory, heldInTheEnd } from '../../test/support/held-jobs.ts';
import { type Accounts, accountsOf, unreservedIn } from '../../test/support/job-accounts.ts';
import { RealFaktory } from '../../test/support/real-faktory.ts';
import { until } from '../../test/support/waiting.ts';
import type { CleanUp } from '../harness/clean-up.ts';
import type { Sample } from './memory-trend.ts';

export const SOAK_MODES = ['session', 'pooled'] as const;
export type SoakMode = (typeof SOAK_MODES)[number];

const CROWD = { producers: 6, workers: 10, visitors: 4 };
export const WORKERS = CROWD.workers;
export const PRODUCERS = CROWD.producers;
const PATIENCE_MS = 5000;
const RECOVERY_MS = 120_000;
/** Surplus connections linger for seconds, and a lost one is given up after a minute. */
const REST_MS = 180_000;
/** Timers that come and go while the file is written. */
const TIMERS_SPARE = 4;

/** What must be the same before the clients come and after they have left. */
export interface Belongings {
  readonly openFiles: readonly string[];
  readonly timers: number;
  /** Metrics that count what clients hold, and libuv's handles. */
  readonly gauges: ReadonlyMap<string, number>;
}

const GAUGES =
  /^(client_connections|server_connections|server_places_taken|waiting_line_length|workers|fetches_in_flight|fetches_waiting|command_lane_outstanding|command_lane_waiting|writes_held|stray_jobs|buffered_bytes|bugs_total|nodejs_active_handles)(\{|$)/;

export class Arena {
  readonly mode: SoakMode;
  readonly faktory: RealFaktory;
  readonly front: BadNetwork;
  readonly back: BadNetwork;
  readonly bouncer: BouncerProcess;
  readonly market: Market;
  readonly #timersFile: string;
  readonly #idle: number;
  readonly samples: Sample[] = [];
  /** Acknowledged jobs that Faktory itself may have lost, by their position in `market.pushed`. */
  readonly #mayBeLost: [number, number][] = [];
  /** Jobs that may have been lost between a queue and a reservation. */
  diedWithFaktory = 0;
  /** PUSHes that Faktory may have stored twice, because its Redis was slow to answer. */
  repeated = 0;

  static async open(mode: SoakMode, idle: number, cleanUp: CleanUp): Promise<Arena> {
    const t: Pick<Test, 'teardown'> = { teardown: (end) => void cleanUp.add(() => end()) };
    const faktory = await RealFaktory.start();
    cleanUp.add(() => faktory.stop());
    const folder = await mkdtemp(join(tmpdir(), 'soak-'));
    cleanUp.add(() => rm(folder, { recursive: true, force: true }));
    const back = await BadNetwork.start(t, faktory.port);
    const timersFile = join(folder, 'timers');
    const bouncer = await BouncerProcess.start(t, {
      faktoryPort: back.port,
      overrides: {
        mode,
        'server.answer_timeout': '30s',
        'writes.probe_interval': '250ms',
        handshake_timeout: '1s',
        'waiting_line.timeout': '4s',
        write_stall_timeout: '5s',
      },
      nodeFlags: ['--import', new URL('count-timers.ts', import.meta.url).href],
      environment: { SOAK_TIMERS: timersFile },
    });
    const front = await BadNetwork.start(t, bouncer.port);
    return new Arena({ mode, faktory, front, back, bouncer, timersFile, idle });
  }

  private constructor(parts: {
    readonly mode: SoakMode;
    readonly faktory: RealFaktory;
    readonly front: BadNetwork;
    readonly back: BadNetwork;
    readonly bouncer: BouncerProcess;
    readonly timersFile: string;
    readonly idle: number;
  }) {
    this.mode = parts.mode;
    this.faktory = parts.faktory;
    this.front = parts.front;
    this.back = parts.back;
    this.bouncer = parts.bouncer;
    this.#timersFile = parts.timersFile;
    this.#idle = parts.idle;
    this.market = new Market(parts.front.port, { patienceMs: PATIENCE_MS, echoes: true });
  }

  openMarket(): void {
    this.market.open({ ...CROWD, idle: this.#idle });
  }

  /** Resolves when `jobs` more are done: the market works. */
  async works(jobs = 30): Promise<void> {
    const enough = this.market.acknowledged.size + jobs;
    await until(() => this.market.acknowledged.size >= enough, {
      what: `${jobs} more jobs to be done (${this.mode})`,
      withinMs: RECOVERY_MS,
    });
  }

  async writesAre(isSound: boolean): Promise<void> {
    await until(
      async () => ((await this.bouncer.metric('write_state{state="sound"}')) === 1) === isSound,
      { what: `writes to be ${isSound ? 'sound' : 'held'} (${this.mode})`, withinMs: RECOVERY_MS },
    );
  }

  /** Jobs that are acknowledged from now until the call of the answer may be lost by Faktory itself. */
  unknowing(): () => void {
    const window: [number, number] = [this.market.pushed.length, Infinity];
    this.#mayBeLost.push(window);
    return () => (window[1] = this.market.pushed.length);
  }

  sample(at: number): void {
    this.samples.push({ at, bytes: this.bouncer.rssBytes });
  }

  async belongings(): Promise<Belongings> {
    const gauges = new Map<string, number>();
    for (const [name, value] of await this.bouncer.metrics()) {
      // Of a file that is being written, or a request of this program: they come and go.
      if (GAUGES.test(name) && !/type="(WriteStream|ReadStream|Socket|Pipe)"/.test(name)) {
        gauges.set(name, value);
      }
    }
    const timers = Number(await readFile(this.#timersFile, 'utf8').catch(() => '0'));
    return { openFiles: this.bouncer.openFiles, timers, gauges };
  }

  /** Resolves with what is left of the clients when they have gone; empty if nothing is. */
  async leftOver(before: Belongings): Promise<readonly string[]> {
    let left: readonly string[] = [];
    await until(async () => (left = surplus(before, await this.belongings())).length === 0, {
      what: 'everything to be given back',
      withinMs: REST_MS,
    }).catch(() => undefined);
    return left;
  }

  /** Ends the market; the bouncer stays. */
  async close(): Promise<Accounts> {
    const { market, faktory } = this;
    market.stopProducers();
    const isWorkedOff = async (): Promise<boolean> =>
      [...(await heldByFaktory(faktory)).values()].every((at) => !at.includes('queued'));
    await until(isWorkedOff, { what: 'the queue to be worked off', withinMs: RECOVERY_MS });
    await market.stop(async () => market.leaveAll());
    const held = await heldInTheEnd(
      faktory,
      (held) => this.unexplained(accountsOf(market, held).lost).length === 0,
    );
    return accountsOf(market, held);
  }

  /** Those of `twice` that Faktory has not stored twice in a way that docs/modes.md names. */
  unexplainedTwice(twice: readonly string[]): readonly string[] {
    return twice.length <= this.repeated ? [] : twice;
  }

  /** Those of `lost` that Faktory has not lost in a way that docs/modes.md names. */
  unexplained(lost: readonly string[]): readonly string[] {
    const explained = new Set<string>();
    for (const [from, to] of this.#mayBeLost) {
      for (const jid of this.market.pushed.slice(from, to)) explained.add(jid);
    }
    const left = lost.filter((jid) => !explained.has(jid));
    return left.length <= this.diedWithFaktory + unreservedIn(this.market) ? [] : left;
  }
}

function surplus(before: Belongings, now: Belongings): readonly string[] {
  const left: string[] = [];
  if (now.openFiles.length > before.openFiles.length)
    left.push(
      `open files ${before.openFiles.length} → ${now.openFiles.length}: ${now.openFiles.join(', ')}`,
    );
  if (now.timers > before.timers + TIMERS_SPARE)
    left.push(`timers ${before.timers} → ${now.timers}`);
  for (const [name, value] of now.gauges) {
    const was = before.gauges.get(name) ?? 0;
    if (value > was) left.push(`${name} ${was} → ${value}`);
  }
  return left;
}
