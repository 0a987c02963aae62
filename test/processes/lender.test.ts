// The parent's lender: places of a process that has ended come back when Faktory's count shows them gone.

import t from 'tap';
import { Lender } from '../../src/processes/lender.ts';
import type { LeaseReply, LeaseRequest } from '../../src/sharing/lease.ts';

const LIMIT = 12;
const EXPIRY_MS = 1000;

/** One process that asks for places, and takes part in the fence. */
class Process {
  places = 0;
  #seq = 0;
  #round = 0;
  #phase = 'none';
  readonly #lender: Lender;
  readonly #index: number;
  readonly #id: string;

  constructor(lender: Lender, index: number, id: string) {
    this.#lender = lender;
    this.#index = index;
    this.#id = id;
  }

  /** `counted`: what Faktory counts; its own connection and each place are open. */
  ask(want: number, now: number, counted: number): LeaseReply {
    this.#seq += 1;
    const request: LeaseRequest = {
      kind: 'hold',
      id: this.#id,
      seq: this.#seq,
      register: this.#seq === 1,
      replaces: '',
      terms: { limit: LIMIT, replicas: 2, guaranteed: 0 },
      expiryMs: EXPIRY_MS,
      used: this.places,
      claim: this.places,
      need: want,
      want,
      armed: this.#round,
      report:
        this.#phase === 'sample'
          ? { round: this.#round, least: this.places + 1, count: counted }
          : null,
    };
    const reply = this.#lender.answer(this.#index, request, now);
    if (reply.kind !== 'held') return reply;
    this.places = reply.places;
    this.#round = reply.round;
    this.#phase = reply.phase;
    return reply;
  }
}

t.test('what a process held is lent again only when Faktory counts it no more', async (t) => {
  const lender = new Lender();
  const first = new Process(lender, 0, 'first');
  const second = new Process(lender, 1, 'second');
  let now = 0;
  /** Both ask again and again; Faktory counts `gone` connections of an ended process beside theirs. */
  const play = (processes: readonly Process[], want: number, gone: number): void => {
    for (let turn = 0; turn < 40; turn += 1) {
      now += 50;
      const counted = processes.reduce((sum, { places }) => sum + places + 1, gone);
      for (const process of processes) process.ask(want, now, counted);
    }
  };
  play([first, second], 5, 0);
  t.strictSame([first.places, second.places], [5, 5]);

  lender.ended(0, now);
  const again = new Process(lender, 0, 'again');
  play([again, second], 10, 5);
  t.equal(again.places + second.places, 5, 'Faktory still counts five');
  play([again, second], 10, 0);
  t.equal(again.places + second.places, 10, 'Faktory counts none of them');
});

t.test('a lender that knows nothing lends nothing until all are there', async (t) => {
  const lender = new Lender();
  const first = new Process(lender, 0, 'first');
  first.ask(5, 1, 0);
  t.equal(first.places, 0);
  t.match(first.ask(5, 100, 1), { kind: 'held', house: { outside: LIMIT } });
});
