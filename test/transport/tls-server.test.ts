// TLS towards Faktory: real TLS servers in front of Faktory, and each way in which trust can fail.

import { readFileSync, writeFileSync } from 'node:fs';
import type { TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import { Proxy } from '../../bench/harness/proxy.ts';
import { pushLine } from '../session/house.ts';
import { type Overrides, type RunningBouncer, startBouncer } from '../support/bouncer.ts';
import { type PairFiles, requireCa, type TestCa } from '../support/certificates.ts';
import { findProgram, skipOrFail } from '../support/find-faktory.ts';
import { haproxyConfig } from '../support/haproxy.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { ok } from '../support/reply.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { terminate } from '../support/tls-house.ts';
import { until } from '../support/waiting.ts';

interface Started {
  readonly faktory: StandInFaktory;
  readonly bouncer: RunningBouncer;
}

async function start(
  t: Test,
  pair: PairFiles,
  overrides: Overrides,
  more: TlsOptions = {},
): Promise<Started> {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const port = await terminate(t, faktory.port, pair, more);
  const bouncer = await startBouncer(t, {
    port,
    overrides: {
      'server.url': `tcp+tls://localhost:${port}`,
      'server.info_interval': '0s',
      'writes.probe_interval': '0s',
      ...overrides,
    },
  });
  return { faktory, bouncer };
}

for (const mode of ['session', 'pooled']) {
  t.test(`Faktory behind TLS is served, ${mode} mode`, async (t) => {
    const ca = requireCa(t);
    if (ca === undefined) return;
    const { faktory, bouncer } = await start(t, ca.issue(), { mode, 'server.tls.ca': ca.file });
    await bouncer.isUp();
    const client = await bouncer.connect({ wid: 'w1' });
    t.same(client.helloReply, ok);
    const { jid, line } = pushLine();
    t.same(await client.command(line), ok);
    t.match(await client.command('FETCH default'), { kind: 'bulk' });
    t.same(await client.command(`ACK {"jid":"${jid}"}`), ok);
    client.end();
    await client.closed;
    await bouncer.gaugesAreZero();
    t.equal(faktory.jobs.reservedJids.length, 0);
  });
}

t.test('the name that the certificate must have can differ from the host', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const { bouncer } = await start(t, ca.issue({ names: 'DNS:faktory.example.com' }), {
    'server.tls.ca': ca.file,
    'server.tls.server_name': 'faktory.example.com',
  });
  await bouncer.isUp();
  t.pass();
});

t.test('an IP address in server.url must be in the certificate', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const port = await terminate(t, faktory.port, ca.issue({ names: 'IP:127.0.0.1' }));
  const overrides = { 'server.url': `tcp+tls://127.0.0.1:${port}`, 'server.tls.ca': ca.file };
  const bouncer = await startBouncer(t, { port, overrides });
  await bouncer.isUp();
  t.pass();
});

t.test('a server that asks for a certificate gets one', async (t) => {
  const ca = requireCa(t);
  if (ca === undefined) return;
  const own = ca.issue();
  const asking = { requestCert: true, rejectUnauthorized: true, ca: ca.pem };
  const overrides = {
    'server.tls.ca': ca.file,
    'server.tls.certificate': own.certificate,
    'server.tls.key': own.key,
  };
  const { bouncer } = await start(t, ca.issue(), overrides, asking);
  await bouncer.isUp();
  t.ok(
    await bouncer.metric('certificate_expiry_timestamp_seconds{option="server.tls.certificate"}'),
  );
});

interface Distrust {
  readonly name: string;
  readonly reason: string;
  readonly pair: (ca: TestCa, other: TestCa) => PairFiles;
  readonly overrides?: (ca: TestCa) => Overrides;
  readonly more?: (ca: TestCa) => TlsOptions;
}

const DISTRUST: readonly Distrust[] = [
  {
    name: 'an expired certificate',
    reason: 'tls_certificate_expired',
    pair: (ca) => ca.issue({ days: -1 }),
  },
  {
    name: 'a certificate for another name',
    reason: 'tls_name_mismatch',
    pair: (ca) => ca.issue({ names: 'DNS:elsewhere' }),
  },
  {
    name: 'a certificate of another CA',
    reason: 'tls_unknown_ca',
    pair: (_, other) => other.issue(),
  },
  {
    name: 'a certificate of no public CA',
    reason: 'tls_unknown_ca',
    pair: (ca) => ca.issue(),
    overrides: () => ({ 'server.tls.ca': '' }),
  },
  {
    name: 'no certificate for a server that asks for one',
    reason: 'tls_certificate_refused',
    pair: (ca) => ca.issue(),
    more: (ca) => ({ requestCert: true, rejectUnauthorized: true, ca: ca.pem }),
  },
  {
    name: 'a server that speaks too old a TLS',
    reason: 'tls_failed',
    pair: (ca) => ca.issue(),
    more: () => ({
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    }),
  },
];

for (const { name, reason, pair, overrides, more } of DISTRUST) {
  t.test(`${name} is a reason of its own, not an outage`, async (t) => {
    const ca = requireCa(t);
    const other = requireCa(t);
    if (ca === undefined || other === undefined) return;
    const settings = {
      'server.tls.ca': ca.file,
      'waiting_line.timeout': '1s',
      ...overrides?.(ca),
    };
    const { faktory, bouncer } = await start(t, pair(ca, other), settings, more?.(ca));
    await until(() => bouncer.snapshot().lastFailure !== null, { what: 'the first dial to fail' });
    const client = await bouncer.connect();
    t.match(client.helloReply, { kind: 'error', text: /cannot agree on TLS; check server\.url/ });
    t.ok(await bouncer.metric(`server_connections_ended_total{reason="${reason}"}`));
    t.equal(bouncer.snapshot().lastFailure, reason);
    t.equal(faktory.received.length, 0, 'no HELLO, and no hash of the password, was sent');
  });
}

t.test('a plain Faktory behind a tcp+tls URL is a reason of its own', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const overrides = {
    'server.url': `tcp+tls://localhost:${faktory.port}`,
    'waiting_line.timeout': '1s',
  };
  const bouncer = await startBouncer(t, { port: faktory.port, overrides });
  await until(() => bouncer.snapshot().lastFailure !== null, { what: 'the first dial to fail' });
  const client = await bouncer.connect();
  t.match(client.helloReply, { kind: 'error', text: /cannot agree on TLS/ });
  t.equal(bouncer.snapshot().lastFailure, 'tls_not_spoken');
});

t.test('a reload replaces the CA for later dials', async (t) => {
  const ca = requireCa(t);
  const other = requireCa(t);
  if (ca === undefined || other === undefined) return;
  const trusting = (file: string): Overrides => ({ 'server.tls.ca': file });
  const { bouncer } = await start(t, ca.issue(), trusting(other.file));
  await bouncer.metricIs('faktory_up', 0);
  const { port } = bouncer.config.server.address;
  const url = { 'server.url': `tcp+tls://localhost:${port}` };
  bouncer.apply({ port, overrides: { ...url, ...trusting(ca.file) } });
  await bouncer.isUp();
  t.pass();
});

t.test(
  'the real Faktory behind HAProxy, with TLS and PROXY on both sides of the bouncer',
  async (t) => {
    const ca = requireCa(t);
    const binary = requireFaktory(t);
    if (ca === undefined || binary === undefined) return;
    if (findProgram('haproxy') === undefined) return skipOrFail(t, 'found no haproxy on PATH');
    const faktory = await RealFaktory.start({ password: 's3cret' });
    t.teardown(() => faktory.stop());
    const toFaktory = await haproxy(t, ca, `faktory 127.0.0.1:${faktory.port}`);
    const own = ca.issue();
    const bouncer = await startBouncer(t, {
      port: toFaktory,
      password: 's3cret',
      overrides: {
        mode: 'pooled',
        'server.url': `tcp+tls://localhost:${toFaktory}`,
        'server.tls.ca': ca.file,
        'listen.tls.certificate': own.certificate,
        'listen.tls.key': own.key,
        'listen.proxy_protocol': 'required',
        'listen.proxy_trusted': '127.0.0.1',
      },
    });
    await bouncer.isUp();
    const verify = `ssl verify required ca-file ${ca.file} sni str(localhost) send-proxy-v2-ssl`;
    const toBouncer = await haproxy(t, ca, `bouncer 127.0.0.1:${bouncer.port} ${verify}`);
    const tls = { ca: ca.pem, servername: 'localhost' };
    const { RawClient } = await import('../support/raw-client.ts');
    const client = await RawClient.connect({ port: toBouncer, tls, wid: 'w1', password: 's3cret' });
    t.teardown(() => client.reset());
    t.same(client.helloReply, ok);
    t.same(await client.command(pushLine().line), ok);
    t.match(await client.command('FETCH default'), { kind: 'bulk' });
  },
);

/** A HAProxy that takes TLS and goes on as `server` says; its port. */
async function haproxy(t: Test, ca: TestCa, server: string): Promise<number> {
  const pair = ca.issue();
  const both = `${pair.certificate}.both`;
  writeFileSync(both, readFileSync(pair.certificate, 'utf8') + readFileSync(pair.key, 'utf8'));
  const proxy = await Proxy.start({
    name: 'haproxy',
    program: 'haproxy',
    args: (file) => ['-db', '-f', file],
    config: ({ port }) => haproxyConfig(`127.0.0.1:${port} ssl crt ${both}`, server),
  });
  t.teardown(() => proxy.stop());
  return proxy.address.port;
}
