// Who may ask for what, case by case, and once over real sockets.

import { mkdtempSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { type Access, type Asking, isLoopback, judge } from '../../src/admin/access.ts';
import { ROUTES } from '../../src/admin/routes.ts';
import { act, ask, startAdmin, TOKEN } from './support/admin-house.ts';

const LOCAL: Asking = {
  isLocal: true,
  host: '127.0.0.1:7421',
  origin: undefined,
  fetchSite: undefined,
  fetchMode: undefined,
  authorization: undefined,
  contentType: 'application/json',
};
const FAR: Asking = { ...LOCAL, isLocal: false, host: 'bouncer:7421' };
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
const bearer = `Bearer ${TOKEN}`;

type Case = readonly [access: Access, asking: Asking, token: string, status: number];

const CASES: readonly Case[] = [
  ['anyone', FAR, '', 200],
  ['anyone', { ...FAR, origin: 'http://evil.example', fetchSite: 'cross-site' }, TOKEN, 200],
  ['read', LOCAL, '', 200],
  ['read', { ...LOCAL, host: 'localhost:7421' }, TOKEN, 200],
  ['read', { ...LOCAL, host: '[::1]:7421' }, '', 200],
  ['read', { ...LOCAL, host: undefined }, '', 200],
  // A name of another site that points here.
  ['read', { ...LOCAL, host: 'evil.example:7421' }, '', 403],
  ['read', { ...LOCAL, host: '127.0.0.1.evil.example' }, '', 403],
  ['read', { ...LOCAL, host: 'localhost.evil.example' }, '', 403],
  ['read', { ...LOCAL, host: 'bouncer', authorization: bearer }, TOKEN, 200],
  ['read', FAR, '', 403],
  ['read', FAR, TOKEN, 401],
  ['read', { ...FAR, authorization: bearer }, TOKEN, 200],
  ['read', { ...FAR, authorization: `bearer  ${TOKEN}` }, TOKEN, 200],
  ['read', { ...FAR, authorization: basic(`anything:${TOKEN}`) }, TOKEN, 200],
  ['read', { ...FAR, authorization: basic(TOKEN) }, TOKEN, 200],
  ['read', { ...FAR, authorization: `${bearer}x` }, TOKEN, 401],
  ['read', { ...FAR, authorization: 'Bearer ' }, TOKEN, 401],
  ['read', { ...FAR, authorization: 'Bearer x' }, '', 403],
  ['read', { ...LOCAL, origin: 'http://127.0.0.1:7421' }, '', 200],
  ['read', { ...LOCAL, origin: 'http://127.0.0.1:8080' }, '', 403],
  ['read', { ...LOCAL, origin: 'null' }, '', 403],
  ['read', { ...LOCAL, fetchSite: 'cross-site' }, '', 403],
  ['read', { ...LOCAL, fetchSite: 'same-site' }, '', 403],
  ['read', { ...LOCAL, fetchSite: 'same-origin' }, '', 200],
  // A link of a wiki.
  ['read', { ...LOCAL, fetchSite: 'cross-site', fetchMode: 'navigate' }, '', 200],
  ['operate', LOCAL, '', 403],
  ['operate', LOCAL, TOKEN, 401],
  ['operate', { ...LOCAL, authorization: bearer }, TOKEN, 200],
  ['operate', { ...FAR, authorization: bearer }, TOKEN, 200],
  // What a browser has stored must not act by itself.
  ['operate', { ...LOCAL, authorization: basic(`:${TOKEN}`) }, TOKEN, 401],
  ['operate', { ...LOCAL, authorization: bearer, contentType: 'text/plain' }, TOKEN, 415],
  ['operate', { ...LOCAL, authorization: bearer, contentType: undefined }, TOKEN, 415],
  ['operate', { ...LOCAL, authorization: bearer, contentType: 'application/jsonx' }, TOKEN, 415],
  [
    'operate',
    { ...LOCAL, authorization: bearer, contentType: 'application/json; charset=utf-8' },
    TOKEN,
    200,
  ],
  ['operate', { ...LOCAL, authorization: bearer, origin: 'http://evil.example' }, TOKEN, 403],
  [
    'operate',
    { ...LOCAL, authorization: bearer, fetchSite: 'cross-site', fetchMode: 'navigate' },
    TOKEN,
    403,
  ],
];

t.test('each request is judged by where it comes from and what it carries', async (t) => {
  for (const [access, asking, token, status] of CASES) {
    const verdict = judge(access, asking, token);
    const found = verdict.kind === 'allowed' ? 200 : verdict.status;
    t.equal(found, status, `${access} ${JSON.stringify(asking)} ${token}`);
    if (verdict.kind === 'refused') t.notMatch(verdict.text, TOKEN);
  }
});

t.test('loopback is recognised in each way that Node spells it', async (t) => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) {
    t.ok(isLoopback(address), address);
  }
  for (const address of [undefined, '', '10.0.0.1', '::ffff:10.0.0.1', '::', '1270.0.0.1']) {
    t.notOk(isLoopback(address), String(address));
  }
});

t.test('without the token every act is refused, and nothing happens', async (t) => {
  const { address } = await startAdmin(t, {
    operated: {
      disconnect: () => {
        throw new Error('disconnected without the token');
      },
      drain: () => {
        throw new Error('drained without the token');
      },
    },
  });
  const acts = ROUTES.filter(({ access }) => access === 'operate');
  t.equal(acts.length, 5);
  for (const { path, method } of acts) {
    t.equal(method, 'POST');
    t.match(await ask(address, `${path}?wid=a`, { method }), { status: 401 });
    t.match(await act(address, `${path}?wid=a`, 'x'.repeat(TOKEN.length)), { status: 401 });
  }
});

t.test('from another address all but metrics and health needs the token', async (t) => {
  const far = Object.values(networkInterfaces())
    .flat()
    .find((found) => found?.family === 'IPv4' && !found.internal)?.address;
  if (far === undefined) {
    t.pass('this machine has loopback only');
    return;
  }
  const { address } = await startAdmin(t, { place: { host: '0.0.0.0', port: 0 } });
  const place = { host: far, port: address.port };
  for (const { path, method, access } of ROUTES) {
    if (method !== 'GET' || path === '/api/events') continue;
    const expected = access === 'anyone' ? 200 : 401;
    t.equal((await ask(place, path)).status, expected, path);
  }
  const headers = { authorization: `Bearer ${TOKEN}` };
  t.match(await ask(place, '/api/state', { headers }), { status: 200 });
  const challenged = await ask(place, '/');
  t.match(challenged.headers['www-authenticate'], /^Basic /);
  t.match(await ask({ ...place, host: '127.0.0.1' }, '/api/state'), { status: 200 });
});

t.test('a Unix socket has its mode, and replaces one that nobody answers', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'fb-admin-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'admin.sock');
  const left = createServer();
  left.listen(`${path}.first`);
  await once(left, 'listening');
  renameSync(`${path}.first`, path);
  await t.rejects(startAdmin(t, { place: { path } }), {
    message:
      /^Cannot listen on admin\.address .*: another process listens there \(EADDRINUSE\)\. Stop/,
  });
  // As an ended process leaves it: closing removes the name that it was made with.
  left.close();
  t.ok(statSync(path).isSocket());
  const { admin } = await startAdmin(t, { place: { path }, socketMode: 0o640 });
  t.equal(statSync(path).mode & 0o777, 0o640);
  t.match(await ask({ path }, '/api/state', { headers: { host: 'localhost' } }), { status: 200 });
  t.match(await ask({ path }, '/api/drain', { method: 'POST' }), { status: 401 });
  await admin.close();
  t.equal(statSync(path, { throwIfNoEntry: false }), undefined);
});
