// The admin address of several processes: it tells of them as of one bouncer, and acts on all of them.

import t from 'tap';
import { requireFaktory } from '../support/real-faktory.ts';
import { RawClient } from '../support/raw-client.ts';
import { ok } from '../support/reply.ts';
import { pushLine } from '../support/push-line.ts';
import { until } from '../support/waiting.ts';
import {
  allReady,
  get,
  metricsAre,
  post,
  severalProcesses,
  WITHIN_MS,
} from './support/processes.ts';

const CLIENTS = 24;
const skip = requireFaktory(t) === undefined;

interface List {
  readonly total: number;
  readonly rows: readonly Record<string, unknown>[];
}

t.test('several processes are told as one', { skip, timeout: 600_000 }, async (t) => {
  const { bouncer } = await severalProcesses(t, 2);
  await allReady(bouncer);
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, (_one, i) =>
      RawClient.connect({ port: bouncer.port, wid: `w${i}`, boundMs: WITHIN_MS }),
    ),
  );
  for (const [i, client] of clients.entries()) {
    // A worker, whatever places there were when it came.
    t.same(await client.command(`BEAT {"wid":"w${i}"}`), ok);
    t.same(await client.command(pushLine().line), ok);
  }

  let metrics = new Map<string, number>();
  await until(
    async () => {
      metrics = await bouncer.metrics();
      return metrics.get('commands_total{verb="PUSH"}') === CLIENTS;
    },
    { what: 'all PUSHes to be counted', withinMs: WITHIN_MS },
  );
  t.equal(metrics.get('client_connections_accepted_total'), CLIENTS);
  t.equal(metrics.get('command_duration_seconds_count{verb="PUSH"}'), CLIENTS);
  t.equal(metrics.get('processes'), 2);
  t.equal(metrics.get('build_info{version="0.1.0",node_version="' + process.version + '"}'), 1);

  const state = await get<{ clients: { now: number } }>(bouncer, '/api/state');
  t.equal(state.clients.now, CLIENTS);
  // A process that answers too late, as on a busy machine, has no rows yet.
  const rows = await until(
    async () => {
      const list = await get<List>(bouncer, '/api/clients');
      return list.total === CLIENTS && list;
    },
    { what: 'all clients to be listed', withinMs: WITHIN_MS },
  );
  const ids = rows.rows.map(({ id }) => Number(id));
  t.equal(new Set(ids).size, CLIENTS, 'each has a number of its own');
  t.equal(new Set(ids.map((id) => id % 2)).size, 2, 'both processes have clients');
  t.ok(rows.rows.every(({ connected_seconds: age }) => Number(age) < WITHIN_MS / 1000));
  t.equal((await get<List>(bouncer, '/api/workers')).total, CLIENTS);
  await until(async () => (await get<List>(bouncer, '/api/servers')).total >= CLIENTS, {
    what: 'all connections to Faktory to be listed',
    withinMs: WITHIN_MS,
  });

  const chosen = clients[7];
  const row = rows.rows.find(({ wid }) => wid === 'w7');
  const told = (await post(bouncer, `/api/disconnect?id=${String(row?.['id'])}`)) as object;
  // None where the process answers too late. The client is closed all the same.
  t.ok([1, 0].some((disconnected) => JSON.stringify(told) === JSON.stringify({ disconnected })));
  await chosen?.closed;
  // The client may hear of its end before the bouncer hears that it has closed.
  await until(async () => (await get<List>(bouncer, '/api/clients')).total === CLIENTS - 1, {
    what: 'the client to be gone',
    withinMs: WITHIN_MS,
  });

  t.strictSame(await post(bouncer, '/api/pause'), { paused: true });
  await metricsAre(bouncer, { paused: 1 });
  const waiting = clients[0]?.command(pushLine().line);
  t.strictSame(await post(bouncer, '/api/resume'), { paused: false });
  t.same(await waiting, ok);

  const stream = await fetch(`${bouncer.adminUrl}/api/events`);
  const reader = stream.body?.getReader();
  let events = '';
  await until(
    async () => {
      const { value } = (await reader?.read()) ?? {};
      events += Buffer.from(value ?? []).toString();
      const isTold = events.includes(`"clients":{"now":${CLIENTS - 1}`);
      return isTold && events.split('event: update').length > 3;
    },
    { what: 'three updates, and the clients that are left', withinMs: WITHIN_MS },
  );
  await reader?.cancel();

  t.match(await post(bouncer, '/api/drain'), { draining: true });
  await until(() => bouncer.log.includes('"msg":"stopped"'), {
    what: 'the end',
    withinMs: WITHIN_MS,
  });
});
