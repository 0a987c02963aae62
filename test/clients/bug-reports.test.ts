// What public bug reports name, tried on the real Faktory: directly and in both modes the same. The
// parts of it that need no Faktory are tested where they are decided.

import { connect, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { startBouncer } from '../support/bouncer.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { askRedis } from '../support/redis.ts';
import { nil, ok, replyText } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { type Front, FRONTS } from './support/lifecycle.ts';

const skip = requireFaktory(t) === undefined;
const CLIENTS = 10;
const PUSHES = 1000;

interface House {
  readonly port: number;
  /** How many jobs are in the queue. */
  stored(queue: string): Promise<number>;
}

async function open(t: Test, front: Front): Promise<House> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const stored = async (queue: string): Promise<number> => {
    const reply = await askRedis(faktory.redisSocket, 'LLEN', queue);
    return reply.kind === 'integer' ? reply.value : 0;
  };
  if (front === 'direct') return { port: faktory.port, stored };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides: { mode: front } });
  await bouncer.isUp();
  return { port: bouncer.port, stored };
}

let jobs = 0;

function pushLine(queue: string): string {
  jobs += 1;
  return `PUSH {"jid":"bug-report-${jobs}","jobtype":"x","args":[],"queue":"${queue}","retry":1}`;
}

/** A connection on which nothing has been said; resolves once HI has come whole, be it in pieces. */
function greeted(port: number): Promise<Socket> {
  const socket = connect({ port, allowHalfOpen: true });
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    const onData = (bytes: Buffer): void => {
      if (!bytes.includes('\n')) return;
      socket.off('data', onData);
      resolve(socket);
    };
    socket.on('data', onData);
  });
}

for (const front of FRONTS) {
  t.test(
    `${front}: a FETCH that got nil takes no job that is pushed right behind it`,
    { skip },
    async (t) => {
      const { port } = await open(t, front);
      const tries = Array.from({ length: CLIENTS }, async (_, n) => {
        const worker = await RawClient.connect({ port, wid: `worker-${n}` });
        const producer = await RawClient.connect({ port });
        t.same(await worker.command(`FETCH q${n}`), nil);
        t.same(await producer.command(pushLine(`q${n}`)), ok);
        t.match(replyText(await worker.command(`FETCH q${n}`)), 'bug-report');
        worker.end();
        producer.end();
      });
      await Promise.all(tries);
    },
  );

  for (const hello of ['{"v":2}', '{"v":2,"wid":"worker-1","hostname":"h","pid":1,"labels":[]}']) {
    t.test(`${front}: HELLO ${hello} and a PUSH in one segment, then FIN`, { skip }, async (t) => {
      const { port, stored } = await open(t, front);
      const socket = await greeted(port);
      let heard = '';
      socket.on('data', (bytes) => (heard += bytes.toString('utf8')));
      socket.end(`HELLO ${hello}\r\n${pushLine('fin')}\r\n`);
      await new Promise((resolve) => socket.once('close', resolve));
      t.equal(heard, '+OK\r\n+OK\r\n');
      t.equal(await stored('fin'), 1);
    });
  }

  t.test(`${front}: ${PUSHES} PUSHes in one write, then a close unread`, { skip }, async (t) => {
    const { port, stored } = await open(t, front);
    const socket = await greeted(port);
    socket.write('HELLO {"v":2}\r\n');
    await new Promise((resolve) => socket.once('data', resolve));
    socket.pause();
    const lines = Array.from({ length: PUSHES }, () => `${pushLine('unread')}\r\n`).join('');
    await new Promise<void>((resolve) => socket.write(lines, () => resolve()));
    socket.destroy();
    await until(async () => (await stored('unread')) === PUSHES, {
      what: 'all PUSHes to be stored',
    });
    t.pass();
  });
}
