// A bouncer with as many clients as a test wants, whose numbers move with each look. Promise: the same
// looks give the same numbers, so that pictures of it can be compared.

import type { ClientFacts } from '../../../src/client/client-facts.ts';
import type { Operated } from '../../../src/admin/operated.ts';
import { Counts } from '../../../src/observe/counts.ts';
import { HISTORY_SAMPLES_MAX, History } from '../../../src/observe/history.ts';
import type { ServerFacts } from '../../../src/server/server-facts.ts';
import { seededRandom } from '../../session/house.ts';
import { fullSnapshot } from '../../support/full-snapshot.ts';
import { operatedStub } from '../../admin/support/admin-house.ts';

const HOSTS = ['checkout', 'mailer', 'reports', 'import', 'search'] as const;
const LIMITS = {
  clients: 10_000,
  handshakes: 1000,
  serverConnections: 900,
  producerReserve: 90,
  fetchesInFlight: 800,
  commandsInFlight: 500,
  waitingLine: 1000,
  bufferedBytes: 268_435_456,
};

export interface CrowdOptions {
  readonly clients: number;
  /** Connections of each worker. */
  readonly perWorker: number;
  /** Monotonic ms, as the admin server sees it. */
  readonly now: () => number;
  readonly wallMs: () => number;
}

/** Four of five clients are workers'; some of them wait. */
export function crowd(options: CrowdOptions): Operated {
  const random = seededRandom(7);
  const counts = new Counts();
  counts.client.accepted.total = 48_210;
  counts.client.refusals.add('server_connections', 412);
  counts.client.refusals.add('waiting_line', 37);
  let looks = 0;
  const commandsOf = Array.from({ length: options.clients }, () => Math.floor(random() * 5000));
  const clientAt = (n: number): ClientFacts => clientFacts(n, commandsOf[n] ?? 0, options);
  return operatedStub({
    counts,
    history: historyOf(options, random),
    snapshot: () => snapshotOf(options),
    clientFacts: function* () {
      looks += 1;
      for (let n = 0; n < options.clients; n += 1) {
        // A tenth of them has done something since the last look.
        if ((n + looks) % 10 === 0) commandsOf[n] = (commandsOf[n] ?? 0) + 3;
        yield clientAt(n);
      }
    },
    serverFacts: () => serverFacts(options),
  });
}

function clientFacts(n: number, commands: number, { perWorker, now }: CrowdOptions): ClientFacts {
  const isProducer = n % 5 === 4;
  const worker = Math.floor(n / perWorker);
  const host = HOSTS[worker % HOSTS.length] ?? 'host';
  const waits = !isProducer && worker % 17 === 3 && n % 3 === 0;
  return {
    id: n + 1,
    address: isProducer ? `10.0.${n % 3}.${20 + (n % 40)}` : `10.1.${worker % 8}.${worker % 250}`,
    role: isProducer ? 'producer' : 'worker',
    state: waits ? 'waiting' : 'open',
    stateSince: now() - (waits ? 400 + (n % 7) * 310 : 60_000),
    acceptedAt: now() - 60_000 * (1 + (worker % 300)),
    hello: {
      wid: isProducer ? '' : widOf(worker),
      hostname: `${host}-${worker % 24}`,
      pid: BigInt(1000 + worker),
      labels: worker % 2 === 0 ? ['golang'] : ['ruby', 'critical'],
    },
    commands,
    outstanding: n % 4 === 0 && !waits ? { count: 1, verb: 'FETCH', since: now() - 900 } : null,
    bytesReceived: commands * 310,
    bytesSent: commands * 120,
  };
}

/** As Faktory's clients make them. */
function widOf(worker: number): string {
  return (0x5bd1e995 * (worker + 7)).toString(16).padStart(12, '7').slice(0, 12);
}

function snapshotOf({ clients }: CrowdOptions): ReturnType<typeof fullSnapshot> {
  const busy = fullSnapshot();
  const none = Object.fromEntries(Object.keys(busy.clients.worker).map((state) => [state, 0]));
  const producers = Math.floor(clients / 5);
  const ofRole = (open: number, waiting = 0) =>
    ({ ...none, open, waiting }) as typeof busy.clients.worker;
  return fullSnapshot({
    mode: 'session',
    clients: {
      unknown: ofRole(0),
      producer: ofRole(producers),
      worker: ofRole(clients - producers - 62, 62),
    },
    limits: LIMITS,
    placesTaken: { producer: 74, worker: 810 },
    peaks: {
      clients: clients + 430,
      serverConnections: 900,
      fetchesInFlight: 800,
      waitingLine: 144,
    },
    adaptation: null,
    sharedLimit: null,
    fetches: { inFlight: 688, waiting: 61 },
    waitingLine: { length: { producer: 0, worker: 62 }, oldestWaitSeconds: 2.26 },
  });
}

function serverFacts({ clients, perWorker }: CrowdOptions): readonly ServerFacts[] {
  return Array.from({ length: Math.min(884, clients) }, (_, n) => ({
    lane: 'session' as const,
    state: 'open' as const,
    wid: widOf(Math.floor((n * 5) / 4 / perWorker)),
    outstanding: 1,
    head: { verb: 'FETCH' as const, since: 0 },
    bufferedBytes: 0,
  }));
}

function historyOf({ clients, wallMs }: CrowdOptions, random: () => number): History {
  const history = new History();
  for (let n = 0; n < HISTORY_SAMPLES_MAX; n += 1) {
    const wave =
      0.7 + 0.25 * Math.sin((n - HISTORY_SAMPLES_MAX) / 60 + Math.PI / 2) + 0.05 * random();
    history.add({
      at: wallMs() - (HISTORY_SAMPLES_MAX - n) * 1000,
      clients: Math.round(clients * wave),
      serverConnections: Math.min(900, Math.round(880 * wave)),
      fetchesInFlight: Math.min(800, Math.round(690 * wave)),
      waitingLine: Math.max(0, Math.round(300 * (wave - 0.8))),
      refused: 449,
    });
  }
  return history;
}
