// Clients that hold a connection and do nothing: who is closed for whom, and when.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import type { Place } from '../../src/admission/places.ts';
import { ClientConnections, type ListedClient } from '../../src/client/client-connections.ts';
import type { ClientFacts } from '../../src/client/client-facts.ts';
import { IdleClients } from '../../src/client/idle-clients.ts';
import { Guest, House } from '../admission/house.ts';
import { openHeld, pushLine, waitingAre } from '../session/house.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';

/** Idle for less, a client is in use. */
const IN_USE_MS = 1000;

class Client implements ListedClient {
  readonly guest: Guest;
  idleSince: number | null;
  readonly ends: string[] = [];

  constructor(guest: Guest, idleSince: number | null) {
    this.guest = guest;
    this.idleSince = idleSince;
  }

  get place(): Place | null {
    return this.guest.place;
  }

  get request(): Guest {
    return this.guest;
  }

  describe(): ClientFacts {
    throw new Error('nothing here tells of clients');
  }

  expire(reason: 'reclaimed' | 'idle_timeout' | 'evicted' | 'disconnected'): void {
    this.ends.push(reason);
    this.idleSince = null;
  }

  drain(): void {}
  abandon(): void {}
  checkStall(): void {}
}

class Scene {
  readonly clock = new FakeClock();
  readonly clients = new ClientConnections();
  readonly house: House;
  readonly idle: IdleClients;
  readonly reclaimed: number[] = [];

  constructor(limits: ConstructorParameters<typeof House>[0], idleTimeoutMs = 0) {
    this.house = new House(limits);
    this.idle = new IdleClients({
      clock: this.clock,
      settings: new Live({ idleTimeoutMs }),
      clients: this.clients,
      admission: this.house.admission,
      events: {
        guarded: () => {},
        refused: () => {},
        clientEnded: () => {},
        mismatch: () => {},
        reclaimed: (seconds) => this.reclaimed.push(seconds),
        bug: (error) => {
          throw error;
        },
      },
    });
  }

  /** A client that is in, and idle since then; null: in use. */
  inside(idleSince: number | null, wid: string | null = null): Client {
    const guest = new Guest(wid);
    this.house.arrive(guest);
    const client = new Client(guest, idleSince);
    this.clients.move(client, null, { role: guest.role, state: 'open' });
    return client;
  }

  /** One more comes, and waits or not. */
  arrives(wid: string | null = null): Guest {
    const guest = new Guest(wid);
    if (this.house.arrive(guest).kind === 'waiting') this.idle.makeRoom();
    return guest;
  }
}

t.test('the one that has been idle longest gives its place, one for each that waits', async (t) => {
  const scene = new Scene({ serverConnections: 4 });
  const clients = [3000, 1000, null, 2000].map((since) => scene.inside(since));
  const ends = (): string[][] => clients.map((client) => client.ends);
  scene.clock.advance(10_000);
  scene.arrives();
  t.strictSame(ends(), [[], ['reclaimed'], [], []]);
  scene.idle.makeRoom();
  t.strictSame(ends(), [[], ['reclaimed'], [], []], 'its place is on its way');
  scene.arrives('w');
  t.strictSame(ends(), [[], ['reclaimed'], [], ['reclaimed']], 'a worker may have it too');
  t.strictSame(scene.reclaimed, [9, 8]);
  scene.arrives();
  scene.arrives();
  t.strictSame(ends(), [['reclaimed'], ['reclaimed'], [], ['reclaimed']], 'never one in use');
});

t.test('one that has been idle for less than a second is in use', async (t) => {
  const scene = new Scene({ serverConnections: 1 });
  const client = scene.inside(0);
  scene.clock.advance(999);
  scene.arrives();
  t.strictSame(client.ends, []);
  scene.clock.advance(1);
  scene.idle.makeRoom();
  t.strictSame(client.ends, ['reclaimed']);
});

t.test('nobody is closed while nobody waits for a place', async (t) => {
  const scene = new Scene({ serverConnections: 2, perWorker: 1 });
  const clients = [scene.inside(0), scene.inside(0, 'w')];
  scene.clock.advance(100_000);
  scene.idle.makeRoom();
  scene.arrives('w');
  t.equal(scene.house.admission.waiting('worker'), 1, 'it waits for its own cap');
  t.strictSame(
    clients.map(({ ends }) => ends),
    [[], []],
  );
  t.equal(scene.idle.unused(100_000), 2);
  t.equal(scene.idle.unused(59_999), 0);
});

t.test(
  'where workers hold all they may, only a worker\u2019s idle place helps a worker',
  async (t) => {
    const scene = new Scene({ serverConnections: 4, producerReserve: 2 });
    const producer = scene.inside(0);
    const worker = scene.inside(500, 'w');
    scene.inside(null, 'v');
    scene.clock.advance(10_000);
    scene.arrives('u');
    t.strictSame([producer.ends, worker.ends], [[], ['reclaimed']]);
  },
);

t.test('connections of a worker that FETCHes or BEATs are in use', async (t) => {
  const { idle } = new Scene({});
  idle.works('w');
  idle.works('w');
  t.equal(idle.isWorking('w'), true);
  t.equal(idle.isWorking('v'), false);
  idle.worksNoMore('w');
  t.equal(idle.isWorking('w'), true);
  idle.worksNoMore('w');
  t.equal(idle.isWorking('w'), false);
});

t.test('idle_timeout: n is closed, n - 1 is not, and none without it', async (t) => {
  const scene = new Scene({}, 5000);
  const clients = [scene.inside(0), scene.inside(1), scene.inside(null)];
  scene.idle.check(4999);
  scene.idle.check(5000);
  t.strictSame(
    clients.map(({ ends }) => ends),
    [['idle_timeout'], [], []],
  );
  const off = new Scene({});
  const client = off.inside(0);
  off.idle.check(1e9);
  t.strictSame(client.ends, []);
});

t.test('session mode full of idle producers: a worker and a PUSH get in', async (t) => {
  const { clock, faktory, bouncer, connect } = await openHeld(t, {
    'limits.server_connections': 6,
    'limits.producer_reserve': 2,
  });
  const leaked = [];
  for (let i = 0; i < 4; i += 1) leaked.push(await connect());
  // In use, though all that its own connection does is to be there.
  const beating = await connect({ wid: 'w' });
  t.same(await beating.command('BEAT {"wid":"w"}'), ok);
  clock.advance(IN_USE_MS);
  const pusher = connect();
  const worker = await connect({ wid: 'v' });
  const beat = worker.command('BEAT {"wid":"v"}');
  t.same(await (await pusher).command(pushLine().line), ok);
  t.same(await beat, ok);
  for (const client of leaked.slice(0, 2)) t.equal(await client.readUntilClose(), '');
  t.strictSame(
    leaked.map(({ isClosed }) => isClosed),
    [true, true, false, false],
  );
  t.equal(beating.isClosed, false);
  t.equal(await bouncer.metric('client_connections_ended_total{reason="reclaimed"}'), 2);
  t.equal(faktory.maxConnections, 6);
});

t.test(
  'session mode: a producer with a command outstanding is not closed for another',
  async (t) => {
    const { clock, faktory, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 2,
      'limits.producer_reserve': 0,
      'waiting_line.timeout': '2s',
    });
    const lift = faktory.inject({ kind: 'stall' }, { on: 'SING' });
    const busy = await connect();
    const reply = busy.command('SING');
    await faktory.waitFor((f) => f.lines('SING').length === 1, 'the command');
    const refused = connect();
    await waitingAre(bouncer, 'producer', 1);
    clock.advance(2000);
    t.match((await refused).helloReply, { kind: 'error', text: /too many connections/ });
    lift();
    t.match(await reply, { text: 'ERR unknown command SING' });
    t.equal(await bouncer.metric('client_connections_ended_total{reason="reclaimed"}'), 0);
  },
);

t.test(
  'session mode: one that stops within a command is closed for another after 10 s',
  async (t) => {
    const { clock, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 2,
      'limits.producer_reserve': 0,
      'waiting_line.timeout': '20s',
    });
    const stopped = await connect();
    const received = (): Promise<number> =>
      bouncer.metric('bytes_total{direction="client_received"}');
    const before = await received();
    stopped.send('PUSH {"jid":');
    await until(async () => (await received()) > before, { what: 'a part to come' });
    const next = connect();
    await waitingAre(bouncer, 'producer', 1);
    clock.advance(9000);
    t.equal(await bouncer.metric('client_connections_ended_total{reason="reclaimed"}'), 0);
    clock.advance(3000);
    await stopped.closed;
    t.same((await next).helloReply, ok);
    t.equal(await bouncer.metric('client_connections_ended_total{reason="reclaimed"}'), 1);
  },
);

t.test(
  'session mode: a producer of whose command a part has come is not closed for another',
  async (t) => {
    const { clock, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 2,
      'limits.producer_reserve': 0,
      'waiting_line.timeout': '2s',
    });
    const large = pushLine({ args: ['x'.repeat(1_000_000)] });
    const busy = await connect();
    busy.send(large.line.slice(0, 500_000));
    await until(
      async () => (await bouncer.metric('bytes_total{direction="client_received"}')) > 500_000,
      { what: 'half of it to come' },
    );
    const refused = connect();
    await waitingAre(bouncer, 'producer', 1);
    clock.advance(2000);
    t.match((await refused).helloReply, { kind: 'error', text: /too many connections/ });
    t.same(await busy.command(large.line.slice(500_000)), ok);
    t.equal(await bouncer.metric('client_connections_ended_total{reason="reclaimed"}'), 0);
  },
);

for (const mode of ['session', 'pooled'] as const) {
  t.test(
    `limits.idle_timeout closes a producer that says nothing, and no worker (${mode})`,
    async (t) => {
      const overrides = { mode, 'limits.idle_timeout': '1500ms' };
      const { clock, bouncer, connect } = await openHeld(t, overrides);
      const producer = await connect();
      const worker = await connect({ wid: 'w' });
      t.same(await worker.command('BEAT {"wid":"w"}'), ok);
      t.same(await producer.command(pushLine().line), ok);
      // It is looked after once a second.
      clock.advance(1499);
      t.equal(bouncer.snapshot().clients.producer.open, 1);
      clock.advance(501);
      t.equal(await producer.readUntilClose(), '');
      t.equal(worker.isClosed, false);
      t.equal(await bouncer.metric('client_connections_ended_total{reason="idle_timeout"}'), 1);
    },
  );
}
