// Each rule with facts that give advice, and with facts at its edge that give none.

import t from 'tap';
import type { Facts } from '../../src/advise/facts.ts';
import { findingsFor, findingsForAll } from '../../src/advise/findings.ts';
import { fetchesMax, redisPoolOf, roomy, serverConnectionsMax } from '../../src/advise/pool.ts';
import type { Finding } from '../../src/advise/words.ts';
import { crowd, facts } from './support/facts.ts';

interface Case {
  readonly id: string;
  readonly gives: Partial<Facts>;
  readonly change: Finding['change'];
  readonly severity: Finding['severity'];
  /** Facts that just do not give it. */
  readonly not: readonly Partial<Facts>[];
}

const CASES: readonly Case[] = [
  {
    id: 'server-connections-over-pool',
    gives: { atFaktory: 1001 },
    change: { 'limits.server_connections': 900 },
    severity: 'problem',
    not: [
      { atFaktory: 1000 },
      { atFaktory: 1500, version: '1.9.4' },
      { atFaktory: 990, past: null },
    ],
  },
  {
    id: 'redis-max-clients',
    gives: { redisMaxClients: 900 },
    change: {},
    severity: 'problem',
    not: [{ redisMaxClients: 901 }, { redisMaxClients: null }],
  },
  {
    id: 'server-connections-full',
    gives: {
      serverConnections: { peak: 400, limit: 400 },
      refused: { server_connections: 3 },
      fetches: { peak: 100, limit: 300 },
    },
    change: { 'limits.server_connections': 600 },
    severity: 'warning',
    not: [{ serverConnections: { peak: 900, limit: 900 } }],
  },
  {
    id: 'past-bouncer',
    gives: { past: 50 },
    change: { 'limits.server_connections': 850 },
    severity: 'warning',
    not: [{ past: 0 }, { past: null }],
  },
  {
    id: 'clients-full',
    gives: { clients: { peak: 9000, limit: 10_000 } },
    change: { 'limits.clients': 15_000 },
    severity: 'note',
    not: [{ clients: { peak: 8999, limit: 10_000 } }],
  },
  {
    id: 'producer-reserve-small',
    gives: { serverConnections: { peak: 900, limit: 900 }, producerPlacesPeak: 150 },
    change: { 'limits.producer_reserve': 170 },
    severity: 'warning',
    not: [
      { serverConnections: { peak: 899, limit: 900 }, producerPlacesPeak: 150 },
      { serverConnections: { peak: 900, limit: 900 }, producerPlacesPeak: 90 },
      { serverConnections: { peak: 900, limit: 900 }, producerPlacesPeak: 150, isShared: true },
      {
        serverConnections: { peak: 900, limit: 900 },
        producerPlacesPeak: 150,
        producerReserve: null,
      },
    ],
  },
  {
    id: 'producer-reserve-large',
    gives: { refused: { server_connections: 1 }, producerPlacesPeak: 8 },
    change: { 'limits.producer_reserve': 12 },
    severity: 'note',
    not: [
      { producerPlacesPeak: 8 },
      { refused: { server_connections: 1 }, producerPlacesPeak: 8, seconds: 3600 },
      { refused: { server_connections: 1 }, producerPlacesPeak: 8, mode: 'pooled' },
      { refused: { server_connections: 1 }, producerPlacesPeak: 40 },
    ],
  },
  {
    id: 'waiting-line-full',
    gives: { refused: { waiting_line: 2 }, waitingLine: { peak: 1000, limit: 1000 } },
    change: { 'waiting_line.size': 2000 },
    severity: 'warning',
    not: [{ waitingLine: { peak: 1000, limit: 1000 } }],
  },
  {
    id: 'handshakes-full',
    gives: { refused: { handshakes: 1 } },
    change: {},
    severity: 'warning',
    not: [{}],
  },
  {
    id: 'per-worker-full',
    gives: { refused: { per_worker: 1 } },
    change: {},
    severity: 'note',
    not: [{}],
  },
  {
    id: 'per-address-full',
    gives: { wouldHaveRefused: { per_address: 1 } },
    change: {},
    severity: 'note',
    not: [{}],
  },
  {
    id: 'observe-only',
    gives: { observeOnly: true },
    change: { observe_only: false },
    severity: 'note',
    not: [{ observeOnly: null }],
  },
  {
    id: 'fetches-in-flight-large',
    gives: { fetches: { peak: 0, limit: 900 } },
    change: { 'limits.fetches_in_flight': 800 },
    severity: 'problem',
    not: [
      { fetches: { peak: 0, limit: 899 } },
      { fetches: { peak: 0, limit: 900 }, isShared: true },
    ],
  },
  {
    id: 'fetches-wait',
    gives: { fetches: { peak: 400, limit: 400 }, fetchesWaiting: 1 },
    change: { 'limits.fetches_in_flight': 500 },
    severity: 'note',
    not: [
      { fetches: { peak: 400, limit: 400 } },
      { fetches: { peak: 399, limit: 400 }, fetchesWaiting: 1 },
    ],
  },
  {
    id: 'commands-in-flight-large',
    gives: { commandsInFlight: 512 },
    change: { 'limits.commands_in_flight': 500 },
    severity: 'warning',
    not: [{ commandsInFlight: 511 }],
  },
  {
    id: 'commands-wait',
    gives: { commandsWaiting: 1 },
    change: {},
    severity: 'warning',
    not: [{}],
  },
  {
    id: 'worker-leaks',
    gives: { crowds: [crowd({ grown: 3 }), crowd({ name: 'w2', connections: 40, idle: 2 })] },
    change: { 'limits.per_worker': 60 },
    severity: 'problem',
    not: [
      { crowds: [crowd({ idle: 19, connections: 20 })] },
      { crowds: [crowd({ idle: 20, connections: 41 })] },
    ],
  },
  {
    id: 'address-leaks',
    gives: { crowds: [crowd({ kind: 'address', name: '10.0.0.9', idle: 90, connections: 90 })] },
    change: { 'limits.idle_timeout': '5m' },
    severity: 'warning',
    not: [{ crowds: null }],
  },
];

t.test('where everything fits there is nothing to say', async (t) => {
  t.strictSame(findingsFor(facts()), []);
});

for (const { id, gives, change, severity, not } of CASES) {
  t.test(`${id} is said where it is so, and not at its edge`, async (t) => {
    const found = findingsFor(facts(gives)).filter((finding) => finding.id === id);
    t.equal(found.length, 1);
    t.match(found[0], { severity, change });
    t.ok(Object.keys(found[0]?.evidence ?? {}).length > 0, 'with numbers');
    for (const other of not) {
      t.strictSame(
        findingsFor(facts(other)).filter((finding) => finding.id === id),
        [],
        JSON.stringify(other),
      );
    }
  });
}

t.test('full server connections: what to do depends on what Faktory bears', async (t) => {
  const changeOf = (changes: Partial<Facts>): Finding | undefined =>
    findingsFor(facts({ refused: { server_connections: 9 }, ...changes })).find(
      ({ id }) => id === 'server-connections-full',
    );
  const full = { serverConnections: { peak: 900, limit: 900 } };
  t.strictSame(changeOf(full)?.change, { mode: 'pooled' });
  t.strictSame(changeOf({ ...full, mode: 'pooled' })?.change, {});
  t.match(changeOf({ ...full, mode: 'pooled' })?.why, /fewer worker processes/);
  t.strictSame(changeOf({ serverConnections: { peak: 700, limit: 700 } })?.change, {
    mode: 'pooled',
    'limits.server_connections': 900,
  });
  t.match(changeOf({ ...full, isShared: true })?.why, /^The limit is shared/);
  const observed = changeOf({
    refused: {},
    wouldHaveRefused: { server_connections: 5 },
    observeOnly: true,
    serverConnections: { peak: 300, limit: 200 },
  });
  t.match(observed?.text, /would have refused 5 clients/);
  t.strictSame(observed?.change, { 'limits.server_connections': 350 });
});

t.test('a full waiting line is not the cause where places are missing', async (t) => {
  const found = findingsFor(facts({ refused: { waiting_line: 2, server_connections: 5 } }));
  const line = found.find(({ id }) => id === 'waiting-line-full');
  t.strictSame(line?.change, {});
  t.match(line?.why, /only delays the refusal/);
});

t.test('observe_only stays on until a day has shown that nothing is refused', async (t) => {
  const changeOf = (changes: Partial<Facts>) =>
    findingsFor(facts({ observeOnly: true, ...changes })).find(({ id }) => id === 'observe-only')
      ?.change;
  t.strictSame(changeOf({ seconds: 86_399 }), {});
  t.strictSame(changeOf({ seconds: 86_400 }), { observe_only: false });
  t.strictSame(changeOf({ wouldHaveRefused: { clients: 1 } }), {});
});

t.test('bouncers that share no limit are added up', async (t) => {
  const one = facts({ serverConnections: { peak: 1, limit: 600 } });
  t.match(findingsForAll([one, one]), [{ id: 'bouncers-over-pool', evidence: { limits: 1200 } }]);
  t.strictSame(findingsForAll([one]), []);
  t.strictSame(findingsForAll([one, { ...one, isShared: true }]), []);
  const half = facts({ serverConnections: { peak: 1, limit: 500 } });
  t.strictSame(findingsForAll([half, half]), []);
});

t.test('the worst comes first, and the order is always the same', async (t) => {
  const all = facts({
    past: 1,
    atFaktory: 2000,
    commandsInFlight: 600,
    observeOnly: true,
    crowds: [crowd({ name: 'w2' }), crowd({ name: 'w1' })],
  });
  t.strictSame(
    findingsFor(all).map(({ id, subject }) => `${id} ${subject}`.trim()),
    [
      'server-connections-over-pool',
      'commands-in-flight-large',
      'past-bouncer',
      'observe-only',
      'worker-leaks w1',
      'worker-leaks w2',
    ],
  );
});

t.test('what Faktory bears', async (t) => {
  t.strictSame(
    ['1.7.0', '1.8.0', '1.9.0', '2.0.1', 'x', null].map(redisPoolOf),
    [1000, 1000, 2000, 2000, 1000, 1000],
  );
  t.equal(serverConnectionsMax('1.7.0', 30), 870);
  t.equal(serverConnectionsMax('1.7.0', 5000), 1);
  t.strictSame([900, 100, 2, 1].map(fetchesMax), [800, 50, 1, 1]);
  t.strictSame(
    [0, 9, 101, 1234, 8000].map((value) => roomy(value, 0.5)),
    [0, 14, 160, 1900, 12_000],
  );
});
