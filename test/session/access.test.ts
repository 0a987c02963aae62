// Who gets in: by address, by password, and while wrong passwords storm.

import t from 'tap';
import type { Timer } from '../../src/base/clock.ts';
import { SLOWED_ANSWER_MS } from '../../src/client/client-login.ts';
import { createLog } from '../../src/observe/log.ts';
import { StillClock } from '../support/still-clock.ts';
import { ok } from '../support/reply.ts';
import { startBouncer } from '../support/bouncer.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { RawClient } from '../support/raw-client.ts';
import { until } from '../support/waiting.ts';
import { openHouse, pushLine } from './house.ts';

t.test('the log names the address of a client that is refused', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const lines: string[] = [];
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: { 'listen.deny': '127.0.0.1' },
    log: createLog('warn', { write: (line) => void lines.push(line) }),
  });
  const client = await bouncer.connect();
  t.match(client.hi, { text: /not allowed/ });
  const line = await until(() => lines.find((one) => one.includes('client refused')), {
    what: 'the line',
  });
  t.match(JSON.parse(line), { reason: 'address_denied', address: '127.0.0.1' });
});

t.test('listen.deny and listen.allow: the client reads why before HI', async (t) => {
  for (const overrides of [
    { 'listen.deny': '10.0.0.0/8, 127.0.0.1' },
    { 'listen.allow': '10.0.0.0/8, ::/0' },
    { 'listen.allow': '127.0.0.0/8', 'listen.deny': '127.0.0.1' },
  ]) {
    const { bouncer, connect } = await openHouse(t, overrides);
    const client = await connect();
    t.match(client.hi, {
      text: /^ERR connections from this address are not allowed \(listen\.allow /,
    });
    t.equal(await client.readUntilClose(), '');
    t.equal(await bouncer.metric('refusals_total{reason="address_denied"}'), 1);
    await bouncer.gaugesAreZero();
  }
  const { connect } = await openHouse(t, {
    'listen.allow': '127.0.0.0/8',
    'listen.deny': '127.0.0.2',
  });
  t.same(await (await connect()).command(pushLine().line), ok);
});

t.test('an IPv4 address that arrives as IPv6 counts as IPv4', async (t) => {
  const { bouncer } = await openHouse(t, {
    'listen.address': '[::]:0',
    'listen.allow': '127.0.0.0/8',
    'limits.per_address': 1,
    'waiting_line.size': 0,
  });
  const connect = async (host: string): Promise<RawClient> => {
    const client = await RawClient.connect({ host, port: bouncer.port });
    t.teardown(() => client.reset());
    return client;
  };
  t.same((await connect('127.0.0.1')).helloReply, ok);
  t.match((await connect('127.0.0.1')).helloReply, { text: /limits\.per_address/ });
  t.match((await connect('::1')).hi, { text: /not allowed/ });
});

t.test('two passwords at once: the one to Faktory is the current one', async (t) => {
  const faktory = await StandInFaktory.start({ password: 'new' });
  t.teardown(() => faktory.stop());
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    password: 'new',
    previousPassword: 'old\n',
    overrides: { 'writes.probe_interval': '0s' },
  });
  await bouncer.isUp();
  const connect = async (password: string): Promise<RawClient> => {
    const client = await bouncer.connect({ password });
    t.teardown(() => client.reset());
    return client;
  };
  t.same(await (await connect('new')).command(pushLine().line), ok);
  t.equal(await bouncer.metric('previous_password_logins_total'), 0);
  t.same(await (await connect('old')).command(pushLine().line), ok);
  t.equal(await bouncer.metric('previous_password_logins_total'), 1);
  t.match((await connect('older')).helloReply, { text: 'ERR Invalid password' });
  t.equal(faktory.lines('PUSH').length, 2);
});

/** Answers to slowed logins wait for the test; no other timer has their length. */
class HoldingClock extends StillClock {
  readonly held: (() => void)[] = [];

  override after(ms: number, act: () => void): Timer {
    if (ms !== SLOWED_ANSWER_MS) return super.after(ms, act);
    this.held.push(act);
    return { cancel: () => {} };
  }
}

t.test(
  'an address that fails again and again waits for its answer, and no right login does',
  async (t) => {
    const clock = new HoldingClock();
    const { bouncer, connect } = await openHouse(t, {}, { password: 'right' }, clock);
    const wrong = { password: 'wrong' };
    for (let i = 0; i < 10; i += 1) {
      t.match((await connect(wrong)).helloReply, { text: 'ERR Invalid password' });
    }
    t.equal(clock.held.length, 0);
    const slowed = connect(wrong);
    await until(() => clock.held.length === 1, { what: 'the answer to be held' });
    t.same((await connect({ password: 'right' })).helloReply, ok, 'not even from that address');
    t.equal(await bouncer.metric('client_connections_ended_total{reason="invalid_password"}'), 10);
    clock.held[0]?.();
    t.match((await slowed).helloReply, { text: 'ERR Invalid password' });
    t.equal(await bouncer.metric('client_connections_ended_total{reason="invalid_password"}'), 11);
  },
);
