// The life of several processes: signals, reloads, and the death of the parent. Real processes, a real Faktory.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { signal } from '../../bench/harness/signals.ts';
import { freePort } from '../support/free-port.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok, replyText } from '../support/reply.ts';
import { pushLine } from '../support/push-line.ts';
import { until } from '../support/waiting.ts';
import {
  allGone,
  allReady,
  childrenOf,
  metricsAre,
  severalProcesses,
  startProcesses,
  WITHIN_MS,
} from './support/processes.ts';

const skip = requireFaktory(t) === undefined;
const options = { skip, timeout: 600_000 };

t.test('a drain ends all processes, and no acknowledged job is lost', options, async (t) => {
  const { faktory, bouncer } = await severalProcesses(t, 2, { MODE: 'pooled' });
  await allReady(bouncer);
  const children = childrenOf(bouncer);
  let acknowledged = 0;
  const clients = await Promise.all(
    Array.from({ length: 12 }, () => RawClient.connect({ port: bouncer.port, boundMs: WITHIN_MS })),
  );
  const producers = clients.map(async (client) => {
    while (!client.isClosed) {
      const reply = await client.command(pushLine().line).catch(() => null);
      if (reply === null) return;
      if (replyText(reply) === '+OK') acknowledged += 1;
    }
  });
  await until(() => acknowledged > 200, { what: 'jobs', withinMs: WITHIN_MS });
  t.equal(await bouncer.end('SIGTERM'), 0);
  await Promise.all(producers);
  await allGone(children);
  const direct = await RawClient.connect({ port: faktory.port });
  const info = JSON.parse(replyText(await direct.command('INFO')) ?? '') as {
    faktory: { total_enqueued: number };
  };
  direct.end();
  t.ok(info.faktory.total_enqueued >= acknowledged, `${acknowledged} were acknowledged`);
});

t.test('a reload reaches all processes, and a wrong file reaches none', options, async (t) => {
  const file = join(t.testdir({ 'bouncer.yaml': 'limits: { clients: 100 }\n' }), 'bouncer.yaml');
  const { bouncer } = await severalProcesses(t, 2, {}, ['--config', file]);
  const limitIs = (limit: number) => metricsAre(bouncer, { client_connections_limit: limit });
  await limitIs(100);
  writeFileSync(file, 'limits: { clients: 61 }\n');
  t.equal(await bouncer.reload(), 'applied');
  await limitIs(61);
  writeFileSync(file, 'limits: { clients: none }\n');
  t.equal(await bouncer.reload(), 'refused');
  await limitIs(61);
  // One that is started again gets what is in force, whatever the file says.
  signal(childrenOf(bouncer)[0], 'SIGKILL');
  await metricsAre(bouncer, { process_restarts_total: 1, processes: 2 });
  await limitIs(61);
});

t.test(
  'processes end without their parent, and the port is free for others',
  options,
  async (t) => {
    // None that an outgoing connection may have when it is free for others.
    const LISTEN_ADDRESS = `127.0.0.1:${await freePort()}`;
    const { faktory, bouncer } = await severalProcesses(t, 2, { LISTEN_ADDRESS });
    await allReady(bouncer);
    const children = childrenOf(bouncer);
    t.equal(children.length, 2);
    const client = await RawClient.connect({ port: bouncer.port, boundMs: WITHIN_MS });
    t.same(await client.command(pushLine().line), ok);
    await bouncer.end('SIGKILL');
    await allGone(children);
    const next = await startProcesses(t, faktory, { PROCESSES: '2', LISTEN_ADDRESS });
    await allReady(next);
    const again = await RawClient.connect({ port: next.port, boundMs: WITHIN_MS });
    t.same(await again.command(pushLine().line), ok);
    client.reset();
    again.reset();
  },
);

t.test(
  'a port that is in use is named, and so is what one process cannot do',
  options,
  async (t) => {
    const faktory = await RealFaktory.start();
    t.teardown(() => faktory.stop());
    const first = await startProcesses(t, faktory, { PROCESSES: '2' });
    const second = { PROCESSES: '2', LISTEN_ADDRESS: `127.0.0.1:${first.port}` };
    await t.rejects(
      startProcesses(t, faktory, second),
      /Cannot listen on 127\.0\.0\.1:\d+: .*Stop the other process/,
    );
  },
);

t.test('a second signal ends all processes at once', options, async (t) => {
  const { bouncer } = await severalProcesses(t, 2, { DRAIN_DELAY: '1m' });
  const children = childrenOf(bouncer);
  bouncer.signal('SIGTERM');
  await until(() => bouncer.log.includes('all processes drain'), {
    what: 'the drain',
    withinMs: WITHIN_MS,
  });
  t.equal(await bouncer.end('SIGTERM'), 1);
  await allGone(children);
});
