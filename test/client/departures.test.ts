// Clients that say all they have to say and leave, by FIN or by a close, before their replies or even
// before +OK: what they sent whole is executed as Faktory would have executed it directly.

import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { type House, openHouse, pushLine, waitingAre } from '../session/house.ts';
import { passwordHash } from '../support/raw-client.ts';
import { startBouncer } from '../support/bouncer.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { ok } from '../support/reply.ts';
import type { StandInFaktory } from '../support/stand-in-faktory.ts';

const skip = requireFaktory(t) === undefined;
const MODES = ['session', 'pooled'] as const;
const PASSWORD = 'sésame';

/** A socket and nothing else: it reads only what it is told to. */
class Leaver {
  readonly socket: Socket;
  heard = '';

  constructor(t: Test, port: number) {
    this.socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    this.socket.on('error', () => {});
    t.teardown(() => this.socket.destroy());
  }

  /** Reads until the text has come; rejects where the other side ends before. */
  hear(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const onEnd = (): void => reject(new Error(`It ended, and had said ${this.heard}`));
      this.socket.once('end', onEnd).once('close', onEnd);
      const onData = (bytes: Buffer): void => {
        this.heard += bytes.toString();
        if (!this.heard.includes(text)) return;
        this.socket.off('data', onData).off('end', onEnd).off('close', onEnd).pause();
        resolve();
      };
      this.socket.on('data', onData).resume();
    });
  }

  /** Everything up to the other side's close. */
  hearAll(): Promise<string> {
    this.socket.on('data', (bytes: Buffer) => (this.heard += bytes.toString())).resume();
    return new Promise((resolve) => this.socket.once('close', () => resolve(this.heard)));
  }

  send(text: string): Promise<void> {
    return new Promise((resolve) => this.socket.write(text, () => resolve()));
  }

  hello(wid: string | null): string {
    const hello: Record<string, unknown> = { v: 2, pid: 1 };
    if (wid !== null) hello['wid'] = wid;
    const [, text] = /^\+HI (.*)\r\n/.exec(this.heard) ?? [];
    const { s, i } = JSON.parse(text ?? '{}') as { s?: string; i?: number };
    if (s !== undefined && i !== undefined) hello['pwdhash'] = passwordHash(PASSWORD, s, i);
    return `HELLO ${JSON.stringify(hello)}\r\n`;
  }
}

/** A client sends FETCH, a PUSH to `queue`, and leaves; Faktory is at the FETCH until `lift` is called. */
async function leaveBehindFetch(
  t: Test,
  { faktory, bouncer }: House,
  { how, queue }: { readonly how: 'end' | 'resetAndDestroy'; readonly queue: string },
): Promise<{ readonly heard: Promise<string>; readonly lift: () => void }> {
  const client = new Leaver(t, bouncer.port);
  await client.hear('\r\n');
  await client.send(client.hello(null));
  await client.hear('+OK');
  const lift = faktory.inject({ kind: 'stall' }, { on: 'FETCH' });
  await client.send(`FETCH default\r\n${pushLine({ queue }).line}\r\n`);
  await faktory.waitFor((f) => f.lines('FETCH').length === 1, 'the FETCH');
  const heard = client.hearAll();
  client.socket[how]();
  return { heard, lift };
}

/** What clients pushed; the bouncer may ask Faktory with a PUSH of its own. */
function pushed(faktory: StandInFaktory): string[] {
  return faktory.lines('PUSH').filter((line) => line.includes('"jobtype":"test"'));
}

function pushes(count: number): string {
  return Array.from({ length: count }, () => `${pushLine().line}\r\n`).join('');
}

for (const mode of MODES) {
  for (const [wid, password] of [[null], ['w'], ['w', PASSWORD]] as const) {
    const whose = `${mode}, ${wid === null ? 'no wid' : 'a wid'}, ${password ? 'a password' : 'no password'}`;
    const standIn = password === undefined ? {} : { password };

    t.test(`HELLO and PUSHes in one write, then FIN: all are answered (${whose})`, async (t) => {
      const { faktory, bouncer } = await openHouse(t, { mode }, standIn);
      for (const count of [1, 100]) {
        const before = pushed(faktory).length;
        const client = new Leaver(t, bouncer.port);
        if (password !== undefined) await client.hear('\r\n');
        void client.send(client.hello(wid) + pushes(count));
        client.socket.end();
        const heard = await client.hearAll();
        t.equal(heard.slice(heard.indexOf('\r\n') + 2), '+OK\r\n'.repeat(count + 1));
        t.equal(pushed(faktory).length - before, count);
      }
      await bouncer.gaugesAreZero();
    });

    t.test(`HELLO and PUSHes, then a close without reading (${whose})`, async (t) => {
      const { faktory, bouncer } = await openHouse(t, { mode }, standIn);
      const client = new Leaver(t, bouncer.port);
      if (password !== undefined) await client.hear('\r\n');
      await client.send(client.hello(wid) + pushes(100));
      client.socket.destroy();
      await faktory.waitFor((f) => pushed(f).length === 100, 'all that was sent');
      await bouncer.gaugesAreZero();
    });

    t.test(`PUSHes after +OK, then a close without reading (${whose})`, async (t) => {
      const { faktory, bouncer } = await openHouse(t, { mode }, standIn);
      for (const [round, how] of (['destroy', 'resetAndDestroy'] as const).entries()) {
        const client = new Leaver(t, bouncer.port);
        await client.hear('\r\n');
        const greeted = client.hear('+OK');
        await client.send(client.hello(wid));
        await greeted;
        await client.send(pushes(500));
        client.socket[how]();
        const due = 500 * (round + 1);
        await faktory.waitFor((f) => pushed(f).length === due, 'all that was sent');
      }
      await bouncer.gaugesAreZero();
    });
  }

  t.test(
    `a client that waits for a place and leaves is let in for what it has sent (${mode})`,
    async (t) => {
      const { faktory, bouncer, connect } = await openHouse(t, {
        mode,
        'limits.server_connections': mode === 'session' ? 2 : 3,
        'limits.producer_reserve': 0,
        'pool.command_connections': 1,
      });
      const inside = await connect({ wid: 'inside' });
      const leavers = [new Leaver(t, bouncer.port), new Leaver(t, bouncer.port)];
      for (const [i, client] of leavers.entries()) {
        await client.send(client.hello(`w${i}`) + `BEAT {"wid":"w${i}"}\r\n` + pushes(3));
        await waitingAre(bouncer, 'worker', i + 1);
      }
      const [closed, ended] = leavers;
      closed?.socket.destroy();
      ended?.socket.end();
      inside.end();
      await faktory.waitFor((f) => pushed(f).length === 6, 'all that was sent');
      t.match(await ended?.hearAll(), /^\+HI .*\r\n(?:\+OK\r\n){5}$/);
      await bouncer.gaugesAreZero();
      t.equal(await bouncer.metric('admissions_total{outcome="hung_up"}'), 0);
    },
  );

  t.test(`of a client that has left, FETCH finds nothing and END ends it (${mode})`, async (t) => {
    const { faktory, bouncer } = await openHouse(t, { mode });
    const client = new Leaver(t, bouncer.port);
    await client.hear('\r\n');
    const [first, second] = [pushLine().line, pushLine().line];
    client.socket.write(client.hello(null));
    await client.hear('+OK');
    // The slow verb holds up what is behind it, so that FIN is seen first.
    const lift = faktory.inject({ kind: 'stall' }, { on: 'SING' });
    client.socket.end(`SING\r\nFETCH default\r\n${first}\r\nEND\r\n${second}\r\n`);
    await faktory.waitFor((f) => f.lines('SING').length === 1, 'the slow verb');
    lift();
    const heard = await client.hearAll();
    t.equal(
      heard.slice(heard.indexOf('+OK')),
      '+OK\r\n-ERR unknown command SING\r\n$-1\r\n+OK\r\n',
    );
    t.same(pushed(faktory), [first]);
    t.same(faktory.lines('FETCH'), []);
    await bouncer.gaugesAreZero();
  });

  for (const how of ['end', 'resetAndDestroy'] as const) {
    const leaves = `its client leaves (${how}, ${mode})`;

    t.test(
      `a job that is pushed behind a FETCH is not for that FETCH when ${leaves}`,
      async (t) => {
        const house = await openHouse(t, { mode });
        const { faktory, bouncer } = house;
        const { heard, lift } = await leaveBehindFetch(t, house, { how, queue: 'default' });
        const other = await house.connect();
        t.same(await other.command(pushLine({ queue: 'other' }).line), ok);
        t.equal(pushed(faktory).length, 1, 'not before the FETCH is over');
        lift();
        await faktory.waitFor((f) => pushed(f).length === 2, 'its PUSH');
        if (how === 'end') t.match(await heard, /\+OK\r\n\$-1\r\n\+OK\r\n$/);
        const job = await other.command('FETCH default');
        t.equal(job.kind === 'bulk' && job.text !== null, true, 'it is in its queue');
        other.end();
        await bouncer.gaugesAreZero();
        t.same(faktory.lines('FAIL'), []);
      },
    );

    t.test(
      `a job for a FETCH with more behind it finds another taker when ${leaves}`,
      async (t) => {
        const house = await openHouse(t, { mode });
        const { faktory, bouncer } = house;
        const { heard, lift } = await leaveBehindFetch(t, house, { how, queue: 'other' });
        const other = await house.connect();
        const { jid, line } = pushLine();
        t.same(await other.command(line), ok);
        lift();
        await faktory.waitFor((f) => pushed(f).length === 2, 'its PUSH');
        const job = await other.command('FETCH default');
        t.match(job, { kind: 'bulk', text: new RegExp(jid) });
        if (how === 'end') t.match(await heard, /\+OK\r\n\$-1\r\n\+OK\r\n$/);
        other.end();
        await bouncer.gaugesAreZero();
      },
    );
  }

  t.test(
    `half a line is never executed, nor one whose client left with nothing whole (${mode})`,
    async (t) => {
      const { faktory, bouncer } = await openHouse(t, { mode });
      for (const how of ['end', 'destroy'] as const) {
        const client = new Leaver(t, bouncer.port);
        await client.hear('\r\n');
        await client.send(`${client.hello('w')}PUSH {"jid":"half`);
        client.socket[how]();
      }
      await bouncer.gaugesAreZero();
      t.same(pushed(faktory), []);
    },
  );
}

t.test(
  'at a real Faktory, a FETCH leaves alone what its client pushes and leaves',
  { skip },
  async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    for (const mode of MODES) {
      const bouncer = await startBouncer(t, { port: faktory.port, overrides: { mode } });
      await bouncer.isUp();
      const client = new Leaver(t, bouncer.port);
      await client.hear('\r\n');
      await client.send(client.hello(null));
      await client.hear('+OK');
      await client.send(`FETCH ${mode}\r\n${pushLine({ queue: mode, retry: 0 }).line}\r\n`);
      client.socket.end();
      t.match(await client.hearAll(), /\+OK\r\n\$-1\r\n\+OK\r\n$/);
      await bouncer.gaugesAreZero();
      const next = await bouncer.connect();
      t.match(await next.command(`FETCH ${mode}`), { kind: 'bulk', text: /"retry":0/ });
      next.end();
    }
  },
);

t.test('while Faktory is away a client that is gone leaves nothing behind', async (t) => {
  const { faktory, bouncer } = await openHouse(t, { mode: 'pooled' });
  const client = new Leaver(t, bouncer.port);
  await client.hear('\r\n');
  client.socket.write(client.hello(null));
  await client.hear('+OK');
  await faktory.stop();
  await bouncer.metricIs('faktory_up', 0);
  await client.send(pushes(3));
  await bouncer.metricIs('command_lane_waiting', 1);
  client.socket.resetAndDestroy();
  await bouncer.metricIs('client_connections_ended_total{reason="client_reset"}', 1);
  await faktory.start();
  await bouncer.isUp();
  const next = await bouncer.connect();
  t.same(await next.command(pushLine().line), ok);
  t.equal(pushed(faktory).length, 1, 'its own PUSH was dropped, as Faktory would have');
  next.end();
  await bouncer.gaugesAreZero();
});
