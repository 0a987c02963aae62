// Rounds of the fence as the script plays them, step by step; what simulations have found included.

import t from 'tap';
import type { LeaseReply, LeaseRequest } from '../../src/sharing/lease.ts';
import { lend, type Stored } from '../../src/sharing/lend.ts';

const EXPIRY_MS = 1000;
const TERMS = { limit: 33, replicas: 3, guaranteed: 0 };

class House {
  stored: Stored | null = null;
  readonly #seqs = new Map<string, number>();

  ask(id: string, changes: Partial<LeaseRequest> = {}, laterMs = 1): LeaseReply {
    const seq = (this.#seqs.get(id) ?? 0) + 1;
    this.#seqs.set(id, seq);
    const request: LeaseRequest = {
      kind: 'hold',
      id,
      seq,
      register: seq === 1,
      replaces: '',
      terms: TERMS,
      expiryMs: EXPIRY_MS,
      used: 0,
      claim: changes.used ?? 0,
      need: changes.used ?? 0,
      want: changes.used ?? 0,
      armed: 0,
      report: null,
      ...changes,
    };
    const at = (this.stored?.at ?? 1000) + laterMs;
    const { stored, reply } = lend(this.stored, request, at, 'run');
    this.stored = stored;
    return reply;
  }

  get round(): number {
    return this.stored?.round.number ?? 0;
  }

  /** All of `ids` watch, then report that they have `least` of `count` connections. */
  playRound(ids: readonly string[], least: number, count: number): void {
    for (const id of ids) this.ask(id, {}, 100);
    for (const id of ids) this.ask(id, { armed: this.round });
    for (const id of ids) {
      this.ask(id, { armed: this.round, report: { round: this.round, least, count } });
    }
  }
}

/** Three bouncers, and nothing is lost or lent. */
function openHouse(): House {
  const house = new House();
  for (const id of ['a', 'b', 'c']) house.ask(id);
  house.playRound(['a', 'b', 'c'], 1, 3);
  t.equal(house.stored?.lost, undefined);
  return house;
}

function placesOf(reply: LeaseReply): number {
  return reply.kind === 'held' ? reply.places : -1;
}

/** `a` and `b` renew until the lease of `c` is over. */
function letExpire(house: House): void {
  for (let i = 0; i < 12; i += 1) {
    for (const id of ['a', 'b']) house.ask(id, { used: 0, want: 0 }, 50);
  }
}

t.test('nothing is lent before a round; then all of it', async (t) => {
  const house = new House();
  t.equal(placesOf(house.ask('a', { want: 30, need: 30 })), 0);
  house.ask('b');
  house.ask('c');
  house.playRound(['a', 'b', 'c'], 1, 3);
  t.equal(placesOf(house.ask('a', { want: 50, need: 50 })), 30, 'three are the own ones');
});

t.test('places of a lost bouncer are counted until the count shows them gone', async (t) => {
  const house = openHouse();
  t.equal(placesOf(house.ask('c', { want: 30 })), 30);
  letExpire(house);
  t.equal(placesOf(house.ask('a', { want: 30 })), 0, 'its lease is over, and nothing is known');
  house.playRound(['a', 'b'], 1, 20);
  t.equal(placesOf(house.ask('a', { want: 30 })), 12, '18 may be its');
  house.playRound(['a', 'b'], 1, 3);
  t.equal(placesOf(house.ask('b', { want: 30 })), 20, 'it may use 10 while it lives');
});

t.test('what Faktory counts beyond the holders is counted once', async (t) => {
  const house = openHouse();
  house.ask('c', { want: 5 });
  letExpire(house);
  house.playRound(['a', 'b'], 1, 3);
  house.ask('d');
  house.ask('c2');
  house.playRound(['a', 'b', 'd'], 1, 5);
  t.ok((house.stored?.lost?.counted ?? 0) <= 2);
});

t.test(
  'one that begins to watch when others may have sampled is no part of the round',
  async (t) => {
    const house = openHouse();
    house.ask('c', { want: 20 });
    letExpire(house);
    for (const id of ['a', 'b']) house.ask(id, {}, 100);
    for (const id of ['a', 'b']) house.ask(id, { armed: house.round });
    t.equal(house.stored?.round.phase, 'sample');
    house.ask('late');
    const { round } = house;
    house.ask('late', { armed: round, report: { round, least: 15, count: 25 } });
    t.equal(house.stored?.live['late']?.armed, 0);
    for (const id of ['a', 'b']) {
      house.ask(id, { armed: round, report: { round, least: 1, count: 22 } });
    }
    t.equal(house.stored?.out['c']?.counted, 20, 'what it reports explains nothing');
  },
);

t.test('of several counts the most counts', async (t) => {
  const house = openHouse();
  house.ask('c', { want: 20 });
  letExpire(house);
  for (const id of ['a', 'b']) house.ask(id, {}, 100);
  for (const id of ['a', 'b']) house.ask(id, { armed: house.round });
  const { round } = house;
  house.ask('a', { armed: round, report: { round, least: 1, count: 22 } });
  house.ask('b', { armed: round, report: { round, least: 1, count: 2 } });
  t.equal(house.stored?.out['c']?.counted, 20);
});

t.test('connections that nothing was kept for are counted, and not replaced', async (t) => {
  const house = openHouse();
  house.ask('c', { want: 30 });
  letExpire(house);
  house.playRound(['a', 'b'], 1, 2);
  t.equal(placesOf(house.ask('a', { want: 30 })), 20, 'all but what it may use without Redis');
  const back = house.ask('c2', { replaces: 'c', used: 30, claim: 30, want: 30, need: 30 });
  t.equal(placesOf(back), 10, 'it believes in 30; Faktory has dropped them');
  t.equal(house.stored?.live['c2']?.places, 30);
});
