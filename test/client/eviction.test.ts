// A lowered limit, and who is closed for it.

import t from 'tap';
import { Eviction, EVICTED_PER_CHECK } from '../../src/client/eviction.ts';
import { ClientConnections, type ListedClient } from '../../src/client/client-connections.ts';
import type { ClientFacts } from '../../src/client/client-facts.ts';
import type { Place } from '../../src/admission/places.ts';
import { Live } from '../../src/base/live.ts';
import { Guest, House } from '../admission/house.ts';
import { openHeld, pushLine } from '../session/house.ts';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';

class Client implements ListedClient {
  readonly request: Guest;
  idleSince: number | null;
  isEvicted = false;
  readonly #scene: Scene;

  constructor(scene: Scene, request: Guest, idleSince: number | null) {
    this.#scene = scene;
    this.request = request;
    this.idleSince = idleSince;
  }

  get place(): Place | null {
    return this.request.place;
  }

  describe(): ClientFacts {
    throw new Error('nothing here tells of clients');
  }

  expire(): void {
    this.isEvicted = true;
    this.#scene.leaves(this);
  }

  drain(): void {}
  abandon(): void {}
  checkStall(): void {}
}

class Scene {
  readonly clients = new ClientConnections();
  readonly house: House;
  readonly settings = new Live<{ evict: 'none' | 'idle' }>({ evict: 'idle' });
  readonly #eviction: Eviction;

  constructor(limits: ConstructorParameters<typeof House>[0]) {
    this.house = new House(limits);
    const { admission } = this.house;
    const { clients, settings } = this;
    this.#eviction = new Eviction({ clients, settings, admission, limits: this.house.limits });
  }

  /** A client that is in, and idle since then; null: in use. */
  inside(idleSince: number | null, wid: string | null = null): Client {
    const guest = new Guest(wid);
    this.house.arrive(guest);
    const client = new Client(this, guest, idleSince);
    this.clients.move(client, null, { role: guest.role, state: 'open' });
    return client;
  }

  leaves(client: Client): void {
    this.clients.move(client, { role: client.request.role, state: 'open' }, null);
    this.house.admission.leave(client.request);
  }

  /** How many of `clients` have been evicted after a check at 100 s. */
  evicted(clients: readonly Client[]): number {
    this.#eviction.check(100_000);
    return clients.filter(({ isEvicted }) => isEvicted).length;
  }
}

t.test('those that have been idle longest go, as many as there are too many', async (t) => {
  const scene = new Scene({ clients: 4 });
  const clients = [3000, 1000, null, 2000].map((since) => scene.inside(since));
  t.equal(scene.evicted(clients), 0, 'n are allowed');
  scene.house.limits.clients.set('configured', 2);
  t.equal(scene.evicted(clients), 2);
  t.strictSame(
    clients.map(({ isEvicted }) => isEvicted),
    [false, true, false, true],
  );
  scene.house.limits.clients.set('configured', 1);
  t.equal(scene.evicted(clients), 3);
  t.equal(scene.evicted(clients), 3, 'one in use stays, whatever the limit');
});

t.test('nobody goes without the option, with observe_only, or after less than 1 s', async (t) => {
  const scene = new Scene({ clients: 4 });
  const clients = [99_001, 99_002].map((since) => scene.inside(since));
  scene.house.limits.clients.set('configured', 1);
  t.equal(scene.evicted(clients), 0);
  clients.push(scene.inside(1000));
  scene.settings.replace({ evict: 'none' });
  t.equal(scene.evicted(clients), 0);
  scene.settings.replace({ evict: 'idle' });
  scene.house.limits.serverConnections.enforce(false);
  t.equal(scene.evicted(clients), 0);
  scene.house.limits.serverConnections.enforce(true);
  t.equal(scene.evicted(clients), 1);
});

t.test('a place is on its way until it is free, and takes no second client with it', async (t) => {
  const scene = new Scene({ serverConnections: 4 });
  const clients = [1000, 2000, 3000, 4000].map((since) => scene.inside(since));
  scene.house.limits.serverConnections.set('configured', 3);
  t.equal(scene.evicted(clients), 1);
  t.equal(scene.evicted(clients), 1);
  clients[0]?.place?.release();
  t.equal(scene.evicted(clients), 1);
  scene.house.limits.serverConnections.set('configured', 2);
  t.equal(scene.evicted(clients), 2);
});

t.test('a worker and an address are held to their own limits', async (t) => {
  const scene = new Scene({ perWorker: 3 });
  const clients = [1000, 2000, 3000].map((since) => scene.inside(since, 'w'));
  const others = [1000, 2000].map((since) => scene.inside(since, 'v'));
  scene.house.limits.perWorker.set('configured', 2);
  t.equal(scene.evicted([...clients, ...others]), 1);
  t.ok(clients[0]?.isEvicted);
  scene.house.limits.perAddress.set('configured', 3);
  t.equal(scene.evicted([...clients, ...others]), 2);
});

t.test('no check closes more than its share', async (t) => {
  const scene = new Scene({ clients: 1000, serverConnections: 1000 });
  const clients = Array.from({ length: EVICTED_PER_CHECK + 2 }, () => scene.inside(0));
  scene.house.limits.clients.set('configured', 1);
  t.equal(scene.evicted(clients), EVICTED_PER_CHECK);
  t.equal(scene.evicted(clients), EVICTED_PER_CHECK + 1);
});

t.test('a reload evicts idle producers, and leaves workers and the busy alone', async (t) => {
  const { clock, bouncer, connect } = await openHeld(t, { 'limits.producer_reserve': 0 });
  const worker = await connect({ wid: 'w' });
  t.same(await worker.command('BEAT {"wid":"w"}'), ok);
  const idle = [await connect(), await connect()];
  await bouncer.reload({
    'limits.evict': 'idle',
    'limits.server_connections': 2,
    'limits.producer_reserve': 0,
  });
  clock.advance(2000);
  await until(() => idle.every(({ isClosed }) => isClosed), { what: 'both to be closed' });
  t.equal(await bouncer.metric('client_connections_ended_total{reason="evicted"}'), 2);
  t.same(await worker.command(pushLine().line), ok);
});
