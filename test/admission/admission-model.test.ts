// Whatever comes and goes in whatever order: the caps hold, nobody is forgotten, nothing is left.

import { deepEqual, equal, ok } from 'node:assert/strict';
import * as fc from 'fast-check';
import t from 'tap';
import { Admission, type Visitor } from '../../src/admission/admission.ts';
import { type Place, Places } from '../../src/admission/places.ts';
import type { Limits } from '../../src/admission/limits.ts';
import type { Role } from '../../src/admission/roles.ts';
import { limitsOf } from './house.ts';

type State = 'waiting' | 'inside' | 'refused' | 'left';

class Client implements Visitor {
  readonly role: Role;
  readonly worker: string | null;
  readonly address: string;
  readonly pooled: boolean;
  state: State = 'refused';
  place: Place | null = null;

  constructor(worker: string | null, address: string, pooled: boolean) {
    this.role = worker === null ? 'producer' : 'worker';
    this.worker = worker;
    this.address = address;
    this.pooled = pooled;
  }

  needsPlace(): boolean {
    return !this.pooled;
  }

  admitted(place: Place | null): void {
    equal(this.state, 'waiting', 'only who waits is let in later');
    this.comeIn(place);
  }

  comeIn(place: Place | null): void {
    equal(place === null, this.pooled, 'who needs a place comes in with one');
    this.state = 'inside';
    this.place = place;
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
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      worker: fc.constantFrom(null, null, 'w1', 'w2', 'w3'),
      address: fc.constantFrom('a', 'b', 'c'),
      pooled: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), who: fc.nat(50) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('release' as const), who: fc.nat(50) }) },
);

interface Scene {
  readonly limits: Limits;
  readonly places: Places;
  readonly admission: Admission;
  readonly clients: Client[];
}

function look({ limits, places, admission, clients }: Scene): void {
  const serverConnections = limits.serverConnections.value;
  const producerReserve = limits.producerReserve.current;
  const held = clients.filter((client) => client.place !== null);
  equal(places.taken, held.length);
  ok(places.taken <= serverConnections, 'the cap holds');
  ok(
    places.takenBy('worker') <= Math.max(0, serverConnections - producerReserve),
    'so does the share',
  );
  const waiting = clients.filter((client) => client.state === 'waiting');
  ok(waiting.length <= limits.waitingLine.value);
  equal(admission.waiting('producer') + admission.waiting('worker'), waiting.length);
  for (const client of waiting)
    ok(admission.obstacle(client) !== null, 'who may come in does not wait');
  const inside = clients.filter((client) => client.state === 'inside');
  for (const worker of ['w1', 'w2', 'w3']) {
    const count = inside.filter((client) => client.worker === worker).length;
    ok(count <= limits.perWorker.value);
  }
  for (const address of ['a', 'b', 'c']) {
    const count = inside.filter((client) => client.address === address).length;
    ok(count <= limits.perAddress.value);
  }
  const present = new Set([...inside, ...waiting].map((client) => client.worker));
  present.delete(null);
  equal(admission.workers, present.size);
}

function leave(scene: Scene, client: Client): void {
  client.state = 'left';
  scene.admission.leave(client);
}

function release(client: Client): void {
  const { place } = client;
  client.place = null;
  place?.release();
}

t.test('the caps hold, nobody who may come in waits, and all counts return to zero', async () => {
  fc.assert(
    fc.property(limits, fc.array(step, { size: 'max', maxLength: 80 }), (configured, steps) => {
      const limits = limitsOf(configured);
      const places = new Places(limits);
      const admission = new Admission(limits, places);
      const scene: Scene = { limits, places, admission, clients: [] };
      const { clients } = scene;
      steps.forEach((step, n) => {
        if (step.kind === 'arrive') {
          const client = new Client(step.worker, step.address, step.pooled);
          clients.push(client);
          const decision = admission.arrive(client, n);
          if (decision.kind === 'admitted') client.comeIn(decision.place);
          else client.state = decision.kind;
          if (decision.kind === 'refused') ok(decision.obstacle.now >= decision.obstacle.limit);
        } else if (step.kind === 'leave') {
          const here = clients.filter((client) => client.state !== 'left');
          const client = here[step.who % Math.max(1, here.length)];
          if (client !== undefined) leave(scene, client);
        } else {
          const held = clients.filter((client) => client.place !== null);
          const client = held[step.who % Math.max(1, held.length)];
          if (client !== undefined) release(client);
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
    { numRuns: 500 },
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
          const admission = new Admission(limits, places);
          for (let n = 0; n < workers; n += 1) admission.arrive(new Client('w1', 'a', false), n);
          for (let n = 0; n < limits.producerReserve.current; n += 1) {
            equal(admission.arrive(new Client(null, 'a', false), n).kind, 'admitted');
          }
        },
      ),
    );
  },
);
