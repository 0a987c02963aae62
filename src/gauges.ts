// What a bouncer tells of itself. Promise: every number is read from the live structures at the moment
// of the call, and reading changes nothing.

import type { Admission } from './admission/admission.ts';
import type { Places } from './admission/places.ts';
import type { Readiness } from './admin/route.ts';
import type { BufferBudget } from './base/buffer-budget.ts';
import type { Clock } from './base/clock.ts';
import type { Clients } from './client/clients.ts';
import type { Config } from './config/config.ts';
import type { Counts } from './observe/counts.ts';
import type { Sample } from './observe/history.ts';
import type { Snapshot } from './observe/snapshot.ts';
import type { Settings } from './settings.ts';
import type { CertificateWatch } from './transport/certificate-watch.ts';
import type { SharedLimit } from './shared-limit.ts';
import type { Upstream } from './upstream.ts';

export interface GaugesParts {
  readonly mode: Config['mode'];
  readonly clock: Clock;
  readonly counts: Counts;
  readonly settings: Settings;
  readonly clients: Clients;
  readonly admission: Admission;
  readonly places: Places;
  readonly budget: BufferBudget;
  readonly upstream: Upstream;
  readonly certificates: CertificateWatch;
  /** Null where no limit is shared. */
  readonly sharedLimit: SharedLimit | null;
  readonly isDraining: () => boolean;
}

export class Gauges {
  readonly #parts: GaugesParts;

  constructor(parts: GaugesParts) {
    this.#parts = parts;
  }

  /** What is there now. */
  snapshot(): Snapshot {
    const { mode, settings, clients, admission, places, budget, upstream } = this.#parts;
    const { limits } = settings;
    const { health } = upstream;
    const now = this.#parts.clock.now();
    const oldestSince = admission.oldestSince();
    const { servers, fetches, commandLane, adaptation, writes, strayJobs, info, redis } =
      upstream.gauges(now);
    return {
      draining: this.#parts.isDraining(),
      paused: upstream.pause.isPaused,
      processes: { listening: 1, silent: 0, restarts: 0 },
      mode,
      clients: clients.counts(),
      unusedClients: clients.unused(now),
      servers,
      placesTaken: places.counts(),
      limits: {
        clients: limits.clients.value,
        handshakes: limits.handshakes.value,
        serverConnections: limits.serverConnections.value,
        producerReserve: places.producerReserve,
        fetchesInFlight: limits.fetchesInFlight.value,
        commandsInFlight: limits.commandsInFlight.value,
        waitingLine: limits.waitingLine.value,
        bufferedBytes: settings.client.current.bufferedBytes,
      },
      peaks: {
        clients: clients.peak,
        serverConnections: places.peak,
        fetchesInFlight: fetches.peak,
        waitingLine: admission.waitingPeak,
      },
      waitingLine: {
        length: { producer: admission.waiting('producer'), worker: admission.waiting('worker') },
        oldestWaitSeconds: oldestSince === null ? 0 : (now - oldestSince) / 1000,
      },
      fetches: { inFlight: fetches.inFlight, waiting: fetches.waiting },
      commandLane,
      adaptation,
      writes,
      workers: admission.workers,
      strayJobs,
      bufferedBytes: budget.usedBytes,
      faktory: { up: health.isUp, info },
      redis,
      sharedLimit: this.#parts.sharedLimit?.gauges() ?? null,
      certificates: this.#parts.certificates.certificates,
      lastFailure: health.lastFailure,
    };
  }

  /** One sample of what fills up; cheaper than a snapshot. */
  sample(): Sample {
    const { clock, counts, clients, admission, places, upstream } = this.#parts;
    let refused = 0;
    for (const count of Object.values(counts.client.refusals.values)) refused += count;
    return {
      at: clock.wallMs(),
      clients: clients.admittable,
      serverConnections: places.taken,
      fetchesInFlight: upstream.fetchesInFlight,
      waitingLine: admission.waiting('producer') + admission.waiting('worker'),
      refused,
    };
  }

  /** Whether new clients should be sent here. */
  readiness(): Readiness {
    if (this.#parts.isDraining()) return { ready: false, reason: 'the bouncer is draining' };
    if (!this.#parts.upstream.health.isUp) {
      return { ready: false, reason: 'Faktory is unreachable; see the log' };
    }
    const shared = this.#parts.sharedLimit?.gauges();
    if (shared === undefined) return { ready: true };
    // Where others have all places, it asks for one when a client comes.
    const areLent = shared.usable > 0 || (shared.house?.leased ?? 0) > 0;
    if (shared.state === 'leased' && areLent) return { ready: true };
    if (shared.usable === 0) {
      const lender = shared.lender === 'redis' ? 'Redis' : 'the parent process';
      const why =
        shared.state === 'fallback' ? `may be opened without ${lender}` : 'are leased yet';
      return { ready: false, reason: `no server connections ${why}; see docs/scale.md` };
    }
    return {
      ready: true,
      detail: `the shared limit is out of reach: up to ${shared.usable} server connections may be opened`,
    };
  }
}
