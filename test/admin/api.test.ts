// The admin API of a whole bouncer: what it tells is what is there, and what it does happens.

import { z } from 'zod';
import t from 'tap';
import { ROUTES } from '../../src/admin/routes.ts';
import {
  type Client,
  clientsSchema,
  type List,
  type Producer,
  reloadSchema,
  type Server,
  type State,
  type Worker,
} from '../../src/admin/schemas.ts';
import { openPooled } from '../pooled/support/house.ts';
import { openHouse, pushLine } from '../session/house.ts';
import type { RunningBouncer } from '../support/bouncer.ts';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { act, ask, TOKEN } from './support/admin-house.ts';

const WITH_TOKEN = { 'admin.token_file': '/run/token' };
/** A FETCH is at the stand-in until the end. */
const QUICK_DRAIN = { drain_timeout: '100ms' };
const HELLO = { hostname: 'host-1', pid: 4711, labels: ['go', 'blue'], v: 2 };

function place(bouncer: RunningBouncer) {
  return { host: '127.0.0.1', port: bouncer.adminPort };
}

async function get<Body>(bouncer: RunningBouncer, path: string): Promise<Body> {
  const { status, body } = await ask(place(bouncer), path);
  if (status !== 200) throw new Error(`${path}: ${status} ${body}`);
  return JSON.parse(body) as Body;
}

async function rowsAre<Row>(
  bouncer: RunningBouncer,
  path: string,
  are: (rows: readonly Row[]) => boolean,
): Promise<readonly Row[]> {
  const found = await until(
    async () => {
      const { rows } = await get<List<Row>>(bouncer, path);
      return are(rows) ? { rows } : undefined;
    },
    { what: path },
  );
  return found.rows;
}

t.test('every JSON answer is as its schema says, and nothing more', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  await connect({ hello: { ...HELLO, wid: 'w1' } });
  await connect();
  let checked = 0;
  for (const { path, method, answers } of ROUTES) {
    if (method !== 'GET' || !(answers instanceof z.ZodObject)) continue;
    const read = answers.strict().safeParse(await get(bouncer, path));
    t.strictSame(read.error?.issues, undefined, path);
    checked += 1;
  }
  t.equal(checked, 7);
});

t.test('clients are told with what they said and did', async (t) => {
  const { bouncer, connect } = await openHouse(t, QUICK_DRAIN, { fetchBlockMs: 60_000 });
  const worker = await connect({ hello: { ...HELLO, wid: 'w1' } });
  const producer = await connect();
  const { line } = pushLine({ queue: 'other' });
  t.same(await producer.command(line), ok);
  worker.send('FETCH default\r\n');
  const rows = await rowsAre<Client>(bouncer, '/api/clients', (all) =>
    all.some(({ outstanding }) => outstanding !== null),
  );
  const [first, second] = rows;
  t.match(first, {
    role: 'worker',
    state: 'open',
    address: '127.0.0.1',
    wid: 'w1',
    host: 'host-1',
    pid: 4711,
    labels: ['go', 'blue'],
    commands: 1,
    outstanding: { verb: 'FETCH', count: 1 },
  });
  t.match(second, { role: 'producer', commands: 1, outstanding: null, wid: '' });
  t.ok((second?.bytes_received ?? 0) > line.length);
  t.ok((second?.bytes_sent ?? 0) > 0);
  const { rows: servers } = await get<List<Server>>(bouncer, '/api/servers?wid=w1');
  t.match(servers, [{ lane: 'session', state: 'open', verb: 'FETCH', outstanding: 1 }]);
});

t.test('workers have their FETCHes in flight and waiting, in both modes', async (t) => {
  const session = await openHouse(
    t,
    { ...QUICK_DRAIN, 'limits.fetches_in_flight': 1 },
    { fetchBlockMs: 60_000 },
  );
  await fetching(session, 2);
  const [own] = await rowsAre<Worker>(session.bouncer, '/api/workers', ([row]) =>
    fetchesAre(row, 2),
  );
  t.match(own, { wid: 'w1', connections: 2, fetches_in_flight: 1, fetches_waiting: 1 });
  const pooled = await openPooled(t, QUICK_DRAIN, { fetchBlockMs: 60_000 });
  await fetching(pooled, 3);
  const [shared] = await rowsAre<Worker>(pooled.bouncer, '/api/workers', ([row]) =>
    fetchesAre(row, 4),
  );
  // One FETCH at Faktory for the three that wait for it.
  t.match(shared, { wid: 'w1', connections: 3, fetches_in_flight: 1, fetches_waiting: 3 });
});

function fetchesAre(row: Worker | undefined, all: number): boolean {
  return row !== undefined && row.fetches_in_flight + row.fetches_waiting === all;
}

async function fetching({ connect }: Awaited<ReturnType<typeof openHouse>>, count: number) {
  for (let n = 0; n < count; n += 1) {
    const client = await connect({ hello: { ...HELLO, wid: 'w1' } });
    client.send('FETCH default\r\n');
  }
}

t.test('who waits comes first, and the waiting line has its oldest', async (t) => {
  const { bouncer, connect } = await openHouse(t, {
    'limits.per_worker': 1,
    'waiting_line.timeout': '1m',
  });
  for (const wid of ['w1', 'w2', 'w2']) {
    void connect({ hello: { ...HELLO, wid }, boundMs: 60_000 }).catch(() => {});
  }
  const rows = await rowsAre<Worker>(
    bouncer,
    '/api/workers',
    (all) => all.length === 2 && all.some(({ waiting }) => waiting === 1),
  );
  t.match(rows, [
    { wid: 'w2', connections: 2, waiting: 1 },
    { wid: 'w1', connections: 1, waiting: 0 },
  ]);
  const state = await get<State>(bouncer, '/api/state');
  t.match(state.waiting_line, { now: 1, peak: 1, limit: 1000, workers: 1, producers: 0 });
  t.ok(state.waiting_line.oldest_seconds > 0);
  t.match(state.clients, { now: 3, peak: 3, limit: 10_000 });
  const { rows: clients } = await get<List<Client>>(bouncer, '/api/clients?state=waiting');
  t.match(clients, [{ wid: 'w2', state: 'waiting' }]);
});

t.test('a list is cut, paged and filtered', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  for (let n = 0; n < 5; n += 1) await connect({ hello: { ...HELLO, wid: `w${n}` } });
  const first = await get<List<Worker>>(bouncer, '/api/workers?limit=2');
  const rest = await get<List<Worker>>(bouncer, '/api/workers?limit=3&offset=2');
  t.equal(first.total, 5);
  t.strictSame(
    [...first.rows, ...rest.rows].map(({ wid }) => wid),
    ['w0', 'w1', 'w2', 'w3', 'w4'],
  );
  t.match(await get(bouncer, '/api/workers?q=W3'), { total: 1, rows: [{ wid: 'w3' }] });
  t.match(await get(bouncer, '/api/workers?q=blue'), { total: 5 });
  t.match(await get(bouncer, '/api/clients?role=producer'), { total: 0, rows: [] });
  const whole = 'limit must be a whole number from 1 to 1000';
  for (const [query, words] of [
    ['limit=0', whole],
    ['limit=1001', whole],
    ['limit=x', whole],
    ['limit=1.5', whole],
    ['offset=-1', 'offset must be a whole number from 0 to 1000000000'],
    ['role=boss', 'role must be one of producer, worker, unknown'],
    ['q=', 'q must have 1 to 128 characters'],
    [
      'nope=1',
      'there is no parameter "nope"; there are limit, offset, q, role, state, wid, address',
    ],
    ['q=a&q=b', 'a parameter is given twice'],
  ] as const) {
    const { status, body } = await ask(place(bouncer), `/api/clients?${query}`);
    t.equal(status, 400, query);
    t.strictSame(JSON.parse(body), { error: `Cannot use the query: ${words}` });
  }
});

t.test('what clients choose is cut, however long it is', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  const long = 'x'.repeat(1000);
  const labels = Array.from({ length: 40 }, () => long);
  await connect({ hello: { hostname: long, pid: 2 ** 62, labels, wid: `w${long}`, v: 2 } });
  const { body } = await ask(place(bouncer), '/api/clients');
  t.ok(body.length < 5000, `${body.length} characters`);
  t.ok(clientsSchema.safeParse(JSON.parse(body)).success);
});

t.test('producers are told by their address', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  await connect();
  await (await connect()).command(pushLine().line);
  const { rows } = await get<List<Producer>>(bouncer, '/api/producers');
  t.match(rows, [{ address: '127.0.0.1', connections: 2, waiting: 0, commands: 1 }]);
});

t.test('the configuration has every option and no secret', async (t) => {
  const { bouncer } = await openHouse(t, {
    ...WITH_TOKEN,
    'redis.url': 'redis://:s3cret@127.0.0.1:1',
  });
  const { body } = await ask(place(bouncer), '/api/config');
  t.notMatch(body, 's3cret');
  t.notMatch(body, TOKEN);
  t.match(JSON.parse(body), {
    options: [{ key: 'listen.address', value: '127.0.0.1:0', default: '127.0.0.1:7519' }],
  });
});

t.test('disconnect ends those that match, and no other', async (t) => {
  const { bouncer, connect } = await openHouse(t, WITH_TOKEN);
  const one = await connect({ hello: { ...HELLO, wid: 'w1' } });
  const other = await connect({ hello: { ...HELLO, wid: 'w2' } });
  const producer = await connect();
  const at = place(bouncer);
  t.match(await act(at, '/api/disconnect'), { status: 400, body: /give wid, address or id/ });
  t.match(await act(at, '/api/disconnect?address=1.2.3'), {
    status: 400,
    body: /address must be an IP address, such as 10\.0\.0\.5/,
  });
  t.match(await act(at, '/api/disconnect?id=x'), {
    status: 400,
    body: /id must be a whole number, 1 or more/,
  });
  t.match(await act(at, '/api/disconnect?wid=none'), { body: '{"disconnected":0}\n' });
  t.match(await act(at, '/api/disconnect?wid=w1&address=10.0.0.1'), { body: /:0\}/ });
  t.match(await act(at, '/api/disconnect?wid=w1'), { status: 200, body: '{"disconnected":1}\n' });
  await one.closed;
  const { rows } = await get<List<Client>>(bouncer, '/api/clients?wid=w2');
  t.match(await act(at, `/api/disconnect?id=${rows[0]?.id}`), { body: '{"disconnected":1}\n' });
  await other.closed;
  t.equal(producer.isClosed, false);
  t.match(await act(at, '/api/disconnect?address=127.0.0.1'), { body: '{"disconnected":1}\n' });
  await producer.closed;
  await bouncer.metricIs('client_connections_ended_total{reason="disconnected"}', 3);
});

t.test('drain is answered, and then drains', async (t) => {
  const { bouncer, connect } = await openHouse(t, WITH_TOKEN);
  const client = await connect();
  t.match(await act(place(bouncer), '/api/drain'), { status: 202, body: '{"draining":true}\n' });
  await client.closed;
  await bouncer.drain();
});

t.test('pause and resume hold commands back and send them', async (t) => {
  const { bouncer, connect, faktory } = await openHouse(t, {
    ...WITH_TOKEN,
    'pool.outage_wait': '1m',
  });
  const producer = await connect();
  const at = place(bouncer);
  t.match(await act(at, '/api/pause'), { status: 200, body: '{"paused":true}\n' });
  t.match(await get<State>(bouncer, '/api/state'), { paused: true });
  const { jid, line } = pushLine();
  const pushed = producer.command(line);
  await rowsAre<Client>(bouncer, '/api/clients', ([row]) => row?.outstanding?.verb === 'PUSH');
  t.notOk(faktory.received.some((said) => said.line.includes(jid)));
  t.match(await act(at, '/api/resume'), { status: 200, body: '{"paused":false}\n' });
  t.same(await pushed, ok);
});

t.test('reload tells what has changed, what needs a restart, or what is wrong', async (t) => {
  const { bouncer } = await openHouse(t, WITH_TOKEN);
  const at = place(bouncer);
  bouncer.change({ 'limits.clients': 77, 'listen.backlog': 5 });
  const applied = await act(at, '/api/reload');
  t.equal(applied.status, 200);
  t.ok(reloadSchema.strict().safeParse(JSON.parse(applied.body)).success);
  t.match(JSON.parse(applied.body), {
    applied: true,
    changed: ['limits.clients'],
    need_restart: ['listen.backlog'],
  });
  t.match(await get<State>(bouncer, '/api/state'), { can_reload: true, clients: { limit: 77 } });
  const { options } = await get<{ options: { key: string; value: unknown }[] }>(
    bouncer,
    '/api/config',
  );
  t.match(
    options.find(({ key }) => key === 'limits.clients'),
    { value: 77 },
  );
  bouncer.change({ 'limits.clients': 'many' });
  const refused = await act(at, '/api/reload');
  t.equal(refused.status, 422);
  t.match(JSON.parse(refused.body), { applied: false, problems: [/limits\.clients/] });
  t.match(await get<State>(bouncer, '/api/state'), { clients: { limit: 77 } });
});
