// Whatever comes and goes in whatever order: the caps hold, nobody is forgotten, nothing is left.

import { deepEqual, equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { Admission, type Visitor } from '../../src/admission/admission.ts';
import { type Place, Places } from '../../src/admission/places.ts';
import type { Limits } from '../../src/admission/limits.ts';
import type { Role } from '../../src/admission/roles.ts';
import { limitsOf, noBug } from './house.ts';

type State = 'waiting' | 'inside' | 'undecided' | 'refused' | 'left';

/** In session mode each client needs a place; in pooled mode the first of a worker does. */
type Mode = 'session' | 'pooled';

class Client implements Visitor {
  readonly role: Role;
  readonly wid: string | null;
  readonly address: string;
  readonly isUnproven: boolean;
  readonly waitedFor = null;
  readonly #scene: Scene;
  state: State = 'refused';
  place: Place | null = null;

  /** `shown`: what its first command has shown it to be. */
  constructor(wid: string | null, address: string, scene: Scene, shown: Role | null = null) {
    this.role = shown ?? (wid === null ? 'producer' : 'worker');
    this.isUnproven = wid !== null && shown === null;
    this.wid = wid;
    this.address = address;
    this.#scene = scene;
  }

  needsPlace(role: Role): boolean {
    const { mode, shared } = this.#scene;
    return mode === 'session' || (role === 'worker' && this.wid !== null && !shared.has(this.wid));
  }

  admitted(place: Place | null): void {
    equal(this.state, 'waiting', 'only who waits is let in later');
    this.comeIn(place);
  }

  undecided(): void {
    equal(this.state, 'waiting');
    ok(this.isUnproven);
    this.state = 'undecided';
  }

  comeIn(place: Place | null): void {
    equal(place === null, !this.needsPlace(this.role), 'who needs a place comes in with one');
    this.state = 'inside';
    const { mode, shared, limits, clients } = this.#scene;
    if (mode === 'session') this.place = place;
    else if (place !== null && this.wid !== null) shared.set(this.wid, place);
    if (!limits.areEnforced) return;
    const inside = clients.filter(({ state }) => state === 'inside');
    const like = (key: 'wid' | 'address') =>
      inside.filter((client) => client[key] === this[key]).length;
    if (this.wid !== null) ok(like('wid') <= limits.perWorker.value, 'limits.per_worker holds');
    ok(like('address') <= limits.perAddress.value, 'limits.per_address holds');
    if (place === null) return;
    const { places } = this.#scene;
    ok(places.taken <= limits.serverConnections.value, 'the cap holds');
    if (this.role === 'worker') ok(places.takenBy('worker') <= places.shareOf('worker'));
  }
}

const limits = fc.record({
  serverConnections: fc.integer({ min: 1, max: 6 }),
  producerReserve: fc.integer({ min: 0, max: 3 }),
  perWorker: fc.integer({ min: 0, max: 3 }),
  perAddress: fc.integer({ min: 0, max: 4 }),
  waitingLine: fc.integer({ min: 0, max: 8 }),
});

/** `who` says which of those there are, modulo their number. */
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      wid: fc.constantFrom(null, null, 'w1', 'w2', 'w3'),
      address: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(50) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('release' as const), who: fc.nat(50) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('show' as const),
      who: fc.nat(50),
      role: fc.constantFrom<Role>('producer', 'worker'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rise' as const), who: fc.nat(50) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('move a limit' as const),
      limit: fc.constantFrom('serverConnections', 'perWorker', 'perAddress'),
      value: fc.integer({ min: 1, max: 6 }),
    }),
  },
);

interface Scene {
  readonly mode: Mode;
  readonly limits: Limits;
  readonly places: Places;
  readonly admission: Admission;
  readonly clients: Client[];
  /** Pooled mode: the places of workers. */
  readonly shared: Map<string, Place>;
}

function look({ limits, places, admission, clients, shared }: Scene): void {
  const held = clients.filter((client) => client.place !== null);
  equal(places.taken, held.length + shared.size);
  const waiting = clients.filter((client) => client.state === 'waiting');
  ok(waiting.length <= limits.waitingLine.value);
  equal(admission.waiting('producer') + admission.waiting('worker'), waiting.length);
  for (const client of waiting) {
    const obstacle = admission.obstacle(client);
    ok(obstacle !== null, 'who may come in does not wait');
    ok(obstacle.reason !== 'server_connections' || !client.isUnproven, 'its command decides');
  }
  const inside = clients.filter((client) => client.state === 'inside');
  const present = new Set([...inside, ...waiting].map((client) => client.wid));
  present.delete(null);
  equal(admission.workers, present.size);
}

function leave(scene: Scene, client: Client): void {
  client.state = 'left';
  scene.admission.leave(client);
  const { wid } = client;
  if (wid === null || scene.mode === 'session') return;
  if (scene.clients.some((other) => other.state === 'inside' && other.wid === wid)) return;
  const place = scene.shared.get(wid);
  scene.shared.delete(wid);
  place?.release();
}

function release(client: Client): void {
  const { place } = client;
  client.place = null;
  place?.release();
}

/** A client arrives, be it for the first time or for what its first command shows it to be. */
function arrive(scene: Scene, client: Client, now: number): void {
  const { admission, clients } = scene;
  clients.push(client);
  const obstacle = admission.obstacle(client);
  const decision = admission.arrive(client, now);
  if (decision.kind === 'admitted') client.comeIn(decision.place);
  else client.state = decision.kind;
  if (decision.kind === 'undecided') {
    ok(client.isUnproven && obstacle?.reason === 'server_connections');
  }
  if (decision.kind === 'refused') {
    const { refusal } = decision;
    ok('now' in refusal && refusal.now >= refusal.limit);
  }
}

/** Its first command has come: it leaves as what it was not decided to be, and asks again. */
function show(scene: Scene, client: Client, role: Role, now: number): void {
  leave(scene, client);
  const { wid, address } = client;
  arrive(scene, new Client(wid, address, scene, role), now);
}

/** A producer FETCHes. */
function rise({ admission, places }: Scene, { place, role }: Client): void {
  if (place === null || role === 'worker') return;
  const workers = places.takenBy('worker');
  const isWorker = admission.giveToWorker(place);
  equal(places.takenBy('worker') - workers, isWorker ? 1 : 0);
  equal(isWorker && workers >= places.shareOf('worker'), false, 'the share of workers holds');
}

const mode = fc.constantFrom<Mode>('session', 'pooled');
const steps = fc.array(step, { size: 'max', maxLength: 80 });

t.test('the caps hold, nobody who may come in waits, and all counts return to zero', async () => {
  fc.assert(
    fc.property(mode, limits, steps, (mode, configured, steps) => {
      const limits = limitsOf(configured);
      const places = new Places(limits);
      const admission = new Admission(limits, places, noBug);
      const clients: Client[] = [];
      const scene: Scene = { mode, limits, places, admission, clients, shared: new Map() };
      steps.forEach((step, n) => {
        if (step.kind === 'arrive') {
          arrive(scene, new Client(step.wid, step.address, scene), n);
        } else if (step.kind === 'show') {
          const undecided = clients.filter((client) => client.state === 'undecided');
          const client = undecided[step.who % Math.max(1, undecided.length)];
          if (client !== undefined) show(scene, client, step.role, n);
        } else if (step.kind === 'rise') {
          const inside = clients.filter((client) => client.state === 'inside');
          const client = inside[step.who % Math.max(1, inside.length)];
          if (client !== undefined) rise(scene, client);
        } else if (step.kind === 'leave') {
          const here = clients.filter((client) => client.state !== 'left');
          const client = here[step.who % Math.max(1, here.length)];
          if (client !== undefined) leave(scene, client);
        } else if (step.kind === 'release') {
          const held = clients.filter((client) => client.place !== null);
          const client = held[step.who % Math.max(1, held.length)];
          if (client !== undefined) release(client);
        } else {
          limits[step.limit].set('configured', step.value);
        }
        look(scene);
      });
      for (const client of clients) leave(scene, client);
      for (const client of clients) release(client);
      look(scene);
      deepEqual(places.counts(), { producer: 0, worker: 0 });
      equal(admission.workers, 0);
      equal(admission.oldestSince(), null);
    }),
    { numRuns: 2000 },
  );
});

t.test(
  'a place is free for a producer, however many workers come, as long as the reserve lasts',
  async () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 20 }),
        fc.nat(20),
        fc.nat(60),
        (cap, reserve, workers) => {
          const limits = limitsOf({
            serverConnections: cap,
            producerReserve: Math.min(reserve, cap),
            perWorker: 0,
            perAddress: 0,
            waitingLine: 1000,
          });
          const places = new Places(limits);
          const admission = new Admission(limits, places, noBug);
          const clients: Client[] = [];
          const shared = new Map<string, Place>();
          const scene: Scene = { mode: 'session', limits, places, admission, clients, shared };
          for (let n = 0; n < workers; n += 1) admission.arrive(new Client('w1', 'a', scene), n);
          for (let n = 0; n < limits.producerReserve.current; n += 1) {
            equal(admission.arrive(new Client(null, 'a', scene), n).kind, 'admitted');
          }
        },
      ),
    );
  },
);
