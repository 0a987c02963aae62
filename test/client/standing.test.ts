// What a client does decides which place it takes, not only its wid: a PUSH finds one however many
// consumers there are, with a wid or without.

import t from 'tap';
import {
  type ConnectOptions,
  type House,
  openHeld,
  openHouse,
  pushLine,
  waitingAre,
} from '../session/house.ts';
import type { RawClient } from '../support/raw-client.ts';
import { ok, replyText } from '../support/reply.ts';
import { until } from '../support/waiting.ts';

const TIGHT = {
  'limits.server_connections': 20,
  'limits.producer_reserve': 5,
  'pool.command_connections': 4,
};
const CONSUMERS = 40;

/** Consumers that come back at once whenever they are refused, until they are told to stop. */
class Storm {
  readonly #house: House;
  readonly #clients = new Set<RawClient>();
  readonly #all: Promise<void>[];
  #isOver = false;
  refusals = 0;

  constructor(house: House, who: (i: number) => ConnectOptions) {
    this.#house = house;
    this.#all = Array.from({ length: CONSUMERS }, (_, i) => this.#consume(who(i)));
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    for (const client of this.#clients) client.reset();
    await Promise.all(this.#all);
  }

  async #consume(options: ConnectOptions): Promise<void> {
    while (!this.#isOver) {
      const client = await this.#house.bouncer.connect(options);
      this.#clients.add(client);
      await this.#fetchOn(client).catch(() => {});
      this.#clients.delete(client);
      client.reset();
    }
  }

  async #fetchOn(client: RawClient): Promise<void> {
    while (!this.#isOver) {
      const reply = await client.command('FETCH default');
      if (reply.kind !== 'error') continue;
      this.refusals += 1;
      return;
    }
  }
}

const KINDS: Readonly<Record<string, (i: number) => ConnectOptions>> = {
  'with a wid': (i) => ({ wid: `w${i}` }),
  'without wid': () => ({}),
};

for (const mode of ['session', 'pooled'] as const) {
  for (const [kind, who] of Object.entries(KINDS)) {
    t.test(`consumers ${kind} take every place they may: PUSHes get in (${mode})`, async (t) => {
      const house = await openHouse(t, { mode, ...TIGHT }, { fetchBlockMs: 100 });
      const { faktory, bouncer, connect } = house;
      const storm = new Storm(house, who);
      if (mode === 'session') {
        await faktory.waitFor(() => bouncer.snapshot().placesTaken.worker === 15, 'a full share');
      }
      for (let i = 0; i < 10; i += 1) {
        for (const options of [{ wid: `pusher${i}` }, {}]) {
          const pusher = await connect(options);
          t.same(pusher.helloReply, ok);
          t.same(await pusher.command(pushLine({ queue: 'other' }).line), ok);
          pusher.end();
        }
      }
      t.ok(bouncer.snapshot().placesTaken.worker <= 15);
      if (mode === 'session') {
        await until(() => storm.refusals > 0, { what: 'a consumer to be refused' });
      }
      await storm.stop();
    });
  }
}

t.test(
  'session mode: n consumers without wid fill the share, n + 1 is refused by name',
  async (t) => {
    const { clock, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 4,
      'limits.producer_reserve': 2,
      'waiting_line.timeout': '300ms',
    });
    const first = await connect();
    const second = await connect();
    for (const client of [first, second]) client.send('FETCH default\r\n');
    await bouncer.metricIs('server_places_taken{role="worker"}', 2);
    t.equal(await bouncer.metric('client_connections{role="worker",state="open"}'), 2);
    const third = await connect();
    t.same(await third.command(pushLine({ queue: 'other' }).line), ok, 'it may PUSH');
    const fetched = third.command('FETCH default');
    await waitingAre(bouncer, 'worker', 1);
    // The place in which it has pushed is free before it is told what it lacks.
    await until(() => bouncer.snapshot().placesTaken.producer === 1, { what: 'its old place' });
    clock.advance(300);
    t.equal(
      replyText(await fetched),
      '-ERR too many connections: 2 (limit 2, limits.server_connections of faktory-bouncer); try again later or raise the limit',
    );
    t.equal(await third.readUntilClose(), '');
    t.equal(await bouncer.metric('refusals_total{reason="server_connections"}'), 1);
  },
);

t.test(
  'session mode: a FETCH that waited for its place gets a job, or nil when it is late',
  async (t) => {
    const { faktory, bouncer, connect } = await openHeld(t, {
      'limits.server_connections': 4,
      'limits.producer_reserve': 2,
    });
    const inside = [await connect({ wid: 'a' }), await connect({ wid: 'b' })];
    const late = await connect({ wid: 'c' });
    t.same(late.helloReply, ok);
    t.equal(await bouncer.metric('client_connections{role="worker",state="unplaced"}'), 1);
    t.equal(faktory.connectionsOf('c').length, 0, 'it holds nothing');
    const { jid, line } = pushLine();
    const fetched = late.command('FETCH default');
    await waitingAre(bouncer, 'worker', 1);
    inside[0]?.end();
    await (await connect()).command(line);
    t.match(await fetched, { kind: 'bulk', text: new RegExp(jid) });
    t.same(await late.command(`ACK {"jid":"${jid}"}`), ok);
  },
);

t.test('session mode: BEAT is a worker\u2019s, ACK and FAIL are anybody\u2019s', async (t) => {
  const { clock, faktory, bouncer, connect } = await openHeld(t, {
    'limits.server_connections': 3,
    'limits.producer_reserve': 2,
    'waiting_line.timeout': '300ms',
  });
  const worker = await connect({ wid: 'w' });
  const acknowledging = await connect({ wid: 'w' });
  t.match(await acknowledging.command('ACK {"jid":"none"}'), { kind: 'status' });
  t.same(bouncer.snapshot().placesTaken, { producer: 2, worker: 1 });
  acknowledging.end();
  await acknowledging.closed;
  const beating = await connect({ wid: 'v' });
  const refused = beating.command('BEAT {"wid":"v"}');
  await waitingAre(bouncer, 'worker', 1);
  clock.advance(300);
  t.match(await refused, { kind: 'error', text: /too many/ });
  worker.end();
  await worker.closed;
  const again = await connect({ wid: 'v' });
  t.same(await again.command('BEAT {"wid":"v"}'), ok);
  t.equal(faktory.connectionsOf('v').length, 1);
});

t.test('session mode: FIN during FETCH costs nothing of what stands behind it', async (t) => {
  const { faktory, bouncer, connect } = await openHeld(t);
  const client = await connect();
  const { line } = pushLine({ queue: 'other' });
  client.send('FETCH default\r\n');
  await bouncer.metricIs('fetches_in_flight', 1);
  client.send(`${line}\r\n`);
  client.end();
  const other = await connect();
  t.equal((await other.command('INFO')).kind, 'bulk', 'both have arrived by now');
  other.end();
  faktory.jobs.releaseFetches();
  t.equal(await client.readUntilClose(), '$-1\r\n+OK\r\n');
  t.same(faktory.lines('PUSH'), [line]);
  await bouncer.gaugesAreZero();
});
