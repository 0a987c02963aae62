// All that belongs to one Faktory: dialling it, the server connections and the bouncer's own among
// them, FETCHes under their limit, the lanes, and jobs whose client has left. Promise: each part is
// built after all that it needs; session and pooled mode differ here and nowhere above.

import type { Places } from './admission/places.ts';
import type { BufferBudget } from './base/buffer-budget.ts';
import type { Clock } from './base/clock.ts';
import { eachOf } from './base/each-of.ts';
import { pollUntil } from './base/poll-until.ts';
import type { Wiring } from './base/wire.ts';
import type { Config } from './config/config.ts';
import { Adaptation, type AdaptationFacts } from './lanes/adaptation.ts';
import { adaptiveSources } from './lanes/adaptive-sources.ts';
import { CommandSlots } from './lanes/command-slots.ts';
import { FetchPause } from './lanes/fetch-pause.ts';
import { FetchGovernor } from './lanes/fetch-governor.ts';
import type { Lanes } from './lanes/lanes.ts';
import { NewQueues } from './lanes/new-queues.ts';
import { PooledLanes } from './lanes/pooled-lanes.ts';
import { SessionLanes } from './lanes/session-lanes.ts';
import { StrayJobs } from './lanes/stray-jobs.ts';
import type { Counts } from './observe/counts.ts';
import { ServerLog } from './observe/server-log.ts';
import type { Snapshot } from './observe/snapshot.ts';
import type { RedisInfo } from './redis/redis-info.ts';
import { ControlConnection } from './server/control-connection.ts';
import { DialPermits } from './server/dial-permits.ts';
import { Dialler } from './server/dialler.ts';
import { Pause } from './server/pause.ts';
import { ServerHealth } from './server/health.ts';
import type { FaktoryInfo } from './server/info.ts';
import { ownHello } from './server/own-hello.ts';
import { ServerConnections } from './server/server-connections.ts';
import type { ServerFacts } from './server/server-facts.ts';
import { SilenceCheck } from './server/silence-check.ts';
import { type LaneName, SERVER_STATES, type ServerState } from './server/server-states.ts';
import { WriteHealth, type WriteStateName } from './server/write-health.ts';
import type { Settings } from './settings.ts';
import type { Surroundings } from './surroundings.ts';
import { StoredWrites } from './stored-writes.ts';

export interface UpstreamParts {
  readonly mode: Config['mode'];
  readonly pool: Pick<Config['pool'], 'commandConnections'>;
  /** Who the bouncer is on its own connections. */
  readonly username: string;
  /** Where Faktory's Redis is; empty: it is not queried. */
  readonly redisUrl: string;
  readonly settings: Settings;
  readonly surroundings: Surroundings;
  readonly counts: Counts;
  readonly wiring: Wiring;
  readonly budget: BufferBudget;
  readonly places: Places;
}

export interface UpstreamGauges {
  readonly servers: Record<LaneName, Record<ServerState, number>>;
  readonly fetches: { readonly inFlight: number; readonly waiting: number; readonly peak: number };
  readonly commandLane: Snapshot['commandLane'];
  readonly writes: { readonly state: WriteStateName; readonly held: number };
  readonly strayJobs: number;
  /** Null while limits.adaptive is off. */
  readonly adaptation: AdaptationFacts | null;
  readonly info: FaktoryInfo | null;
  readonly redis: RedisInfo | null;
}

export class Upstream {
  readonly lanes: Lanes;
  readonly health: ServerHealth;
  /** An operator's; see docs/operations.md. */
  readonly pause = new Pause();
  /** Where bouncers share a limit, dials rest on a lease. */
  readonly permits: DialPermits;
  readonly #clock: Clock;
  readonly #silenceCheck: SilenceCheck;
  readonly #onBug: (error: unknown) => void;
  readonly #writeHealth: WriteHealth;
  readonly #servers: ServerConnections;
  readonly #control: ControlConnection;
  readonly #governor: FetchGovernor;
  readonly #strayJobs: StrayJobs;
  readonly #fetchPause: FetchPause;
  readonly #storedWrites: StoredWrites;
  readonly #adaptation: Adaptation;

  constructor(parts: UpstreamParts) {
    const { settings, surroundings, places } = parts;
    const { clock, random, dial } = surroundings;
    const { onBug } = parts.wiring;
    const log = new ServerLog(surroundings.log, clock);
    const counts = parts.counts.lanes;
    this.#clock = clock;
    this.#onBug = onBug;
    this.permits = new DialPermits(clock);
    this.health = new ServerHealth(log, this.permits);
    this.#writeHealth = new WriteHealth(settings.writes);
    this.#servers = new ServerConnections({
      settings: settings.server,
      clock,
      dial,
      counts: parts.counts.server,
      hasher: surroundings.hasher,
      dialler: new Dialler({ clock, random, counts: parts.counts.server, permits: this.permits }),
      permits: this.permits,
      health: this.health,
      wiring: parts.wiring,
      budget: parts.budget,
      events: log,
    });
    // The bouncer's own connection is inside the cap; its place is never given back.
    places.take('producer');
    const hello = ownHello(parts.username);
    const servers = this.#servers;
    const newQueues = new NewQueues({
      clock,
      counts,
      atFaktory: () => servers.atFaktory(),
      onForced: () => log.infoForced(),
    });
    this.#control = new ControlConnection({
      servers,
      clock,
      hello,
      health: this.health,
      writeHealth: this.#writeHealth,
      pause: this.pause,
      settings: settings.server,
      infoOutcomes: parts.counts.server.info,
      infoGuard: newQueues,
    });
    this.#governor = new FetchGovernor({
      limit: settings.limits.fetchesInFlight,
      clock,
      counts,
      onBug,
    });
    this.#strayJobs = new StrayJobs({
      clock,
      counts,
      settings: settings.lanes,
      control: this.#control,
      budget: parts.budget,
    });
    this.#writeHealth.onChange(log);
    this.#fetchPause = new FetchPause(
      settings.limits.fetchesInFlight,
      this.#writeHealth,
      this.pause,
    );
    this.#writeHealth.onChange(this.#fetchPause);
    this.pause.onChange(this.#fetchPause);
    parts.budget.onChange(this.#fetchPause);
    const { commandsInFlight } = settings.limits;
    this.pause.onChange({
      onPause: (isPaused) => commandsInFlight.set('paused', isPaused ? 0 : Infinity),
    });
    this.#storedWrites = new StoredWrites({
      redisUrl: parts.redisUrl,
      clock,
      log: surroundings.log,
      settings,
      counts: parts.counts,
      health: this.#writeHealth,
      newQueues,
      control: this.#control,
      servers,
      onBug,
    });
    this.#silenceCheck = new SilenceCheck({
      clock,
      settings: settings.server,
      own: this.#control,
      servers,
    });
    const shared = {
      servers,
      clock,
      counts,
      settings: settings.lanes,
      turns: parts.wiring.turns,
      governor: this.#governor,
      strayJobs: this.#strayJobs,
      gate: this.#storedWrites.gate,
      pause: this.pause,
      acknowledgements: this.#storedWrites.acknowledgements,
    };
    this.lanes =
      parts.mode === 'session'
        ? new SessionLanes({
            ...shared,
            slots: new CommandSlots(settings.limits.commandsInFlight, onBug),
          })
        : new PooledLanes({
            ...shared,
            hello,
            places,
            onBug,
            commandConnections: parts.pool.commandConnections,
            commandsInFlight: settings.limits.commandsInFlight,
          });
    this.#adaptation = new Adaptation({
      clock,
      settings: settings.adaptive,
      fetchesInFlight: settings.limits.fetchesInFlight,
      commandsInFlight,
      measured: adaptiveSources({
        lanes: this.lanes,
        governor: this.#governor,
        servers,
        health: this.#writeHealth,
        counts,
        serverCounts: parts.counts.server,
      }),
      pause: this.pause,
      counts,
    });
  }

  /** Begins to dial Faktory, and to ask its Redis. */
  start(): void {
    this.#control.start();
    this.#storedWrites.start();
    this.#silenceCheck.start();
    this.lanes.start();
    this.#adaptation.start();
  }

  /**
   * The way down once no client is left, until `deadline` (monotonic ms): FETCHes of clients that had
   * left are answered, their jobs given back, and all connections closed.
   */
  async stop(deadline: number): Promise<void> {
    const clock = this.#clock;
    await pollUntil(clock, () => this.#clientServers() === 0, deadline);
    eachOf(this.#onBug, [() => this.#strayJobs.giveBackAll()]);
    await pollUntil(clock, () => this.#control.pending === 0, deadline);
    // ACK and FAIL of clients that have left are still sent.
    await pollUntil(clock, () => this.lanes.gauges().commandsWaiting === 0, deadline);
    eachOf(this.#onBug, [
      () => this.#storedWrites.stop(),
      () => this.#silenceCheck.stop(),
      () => this.#adaptation.stop(),
      () => this.#control.stop(),
      () => this.lanes.stop(),
      () => this.#servers.closeAll(),
    ]);
    await pollUntil(clock, () => this.#servers.size === 0, deadline);
    this.#servers.destroyAll();
  }

  /** A reload has changed the settings: what is decided by them and not at each use is decided again. */
  settingsChanged(): void {
    this.#control.settingsChanged();
    this.#fetchPause.reconsider();
    this.#storedWrites.settingsChanged();
    this.#adaptation.settingsChanged();
  }

  /** What is there at `now` (monotonic ms). */
  gauges(now: number): UpstreamGauges {
    const lanes = this.lanes.gauges();
    return {
      servers: this.#servers.counts(),
      fetches: {
        inFlight: this.#governor.inFlight,
        waiting: lanes.fetchesWaiting,
        peak: this.#governor.peak,
      },
      commandLane: {
        outstanding: lanes.commandsOutstanding,
        waiting: lanes.commandsWaiting,
        commandMs: lanes.commandMs,
      },
      writes: { state: this.#writeHealth.state.kind, held: lanes.writesHeld },
      strayJobs: this.#strayJobs.size + this.#control.pending,
      adaptation: this.#adaptation.facts,
      info: this.#control.info(now),
      redis: this.#storedWrites.redisInfo,
    };
  }

  /** Asks Faktory now how many connections it has; `done` is called once, with null if it does not say. */
  count(done: (connections: number | null) => void): void {
    this.#control.count(done);
  }

  /** FETCHes at Faktory. */
  get fetchesInFlight(): number {
    return this.#governor.inFlight;
  }

  /** What there is to tell of each connection to Faktory. */
  serverFacts(): Iterable<ServerFacts> {
    return this.#servers.facts();
  }

  /** Server connections that exist for clients: not the bouncer's own, not the command lane's. */
  #clientServers(): number {
    const counts = this.#servers.counts();
    let size = 0;
    for (const state of SERVER_STATES) size += counts.session[state] + counts.fetch[state];
    return size;
  }
}
