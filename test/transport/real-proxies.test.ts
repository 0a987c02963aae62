// Real HAProxy and nginx in front of the bouncer, which tell it their clients' addresses. Each test sees
// the address by limits.per_address: two clients of the proxy are one client of the bouncer.

import t, { type Test } from 'tap';
import { Proxy, type Place } from '../../bench/harness/proxy.ts';
import { until } from '../support/waiting.ts';
import { openHouse, pushLine } from '../session/house.ts';
import type { RunningBouncer } from '../support/bouncer.ts';
import { findProgram, skipOrFail } from '../support/find-faktory.ts';
import { RawClient } from '../support/raw-client.ts';
import { haproxyConfig } from '../support/haproxy.ts';
import { ok } from '../support/reply.ts';

const TRUSTED = {
  'listen.proxy_protocol': 'required',
  'listen.proxy_trusted': '127.0.0.1',
  'limits.per_address': 1,
  'waiting_line.size': 0,
} as const;

function nginxConfig(place: Place, bouncer: RunningBouncer): string {
  return `
load_module ${NGINX_STREAM};
daemon off;
worker_processes 1;
pid ${place.folder}/nginx.pid;
error_log stderr;
events { worker_connections 64; }
stream {
  server {
    listen 127.0.0.1:${place.port};
    proxy_pass 127.0.0.1:${bouncer.port};
    proxy_protocol on;
  }
}
`;
}

const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

async function start(
  t: Test,
  program: 'haproxy' | 'nginx',
  config: (place: Place) => string,
): Promise<number> {
  const args = (file: string): readonly string[] =>
    program === 'haproxy' ? ['-db', '-f', file] : ['-c', file, '-e', 'stderr'];
  const proxy = await Proxy.start({ name: program, program, config, args });
  t.teardown(() => proxy.stop());
  return proxy.address.port;
}

/** Resolves with the port of a HAProxy in front of `bouncer`, with `options` for its server. */
function haproxy(t: Test, bouncer: RunningBouncer, options: string): Promise<number> {
  const server = `bouncer 127.0.0.1:${bouncer.port} ${options}`;
  return start(t, 'haproxy', ({ port }) => haproxyConfig(`127.0.0.1:${port}`, server));
}

async function connect(t: Test, port: number, from: string): Promise<RawClient> {
  const client = await RawClient.connect({ port, from });
  t.teardown(() => client.reset());
  return client;
}

/** Clients from two addresses get in through the proxy, and a second one from the first does not. */
async function addressesCount(t: Test, port: number): Promise<void> {
  const client = await connect(t, port, '127.0.0.5');
  t.same(client.helloReply, ok);
  t.same(await client.command(pushLine().line), ok);
  t.match((await connect(t, port, '127.0.0.5')).helloReply, { text: /limits\.per_address/ });
  t.same((await connect(t, port, '127.0.0.6')).helloReply, ok);
}

for (const options of [
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2-ssl-cn',
  'send-proxy-v2 proxy-v2-options crc32c,unique-id',
]) {
  t.test(`HAProxy with ${options} tells its clients' addresses`, async (t) => {
    if (findProgram('haproxy') === undefined) return skipOrFail(t, 'found no haproxy on PATH');
    const { bouncer } = await openHouse(t, TRUSTED);
    const port = await haproxy(t, bouncer, options);
    await addressesCount(t, port);
  });
}

t.test("HAProxy's health checks find the bouncer up, and cost no client its place", async (t) => {
  if (findProgram('haproxy') === undefined) return skipOrFail(t, 'found no haproxy on PATH');
  const { bouncer } = await openHouse(t, TRUSTED);
  // A check that takes longer than `inter` has failed.
  const options = 'send-proxy-v2 check check-send-proxy inter 1s rise 1 fall 1';
  const port = await haproxy(t, bouncer, options);
  await bouncer.metricIs('client_connections{role="unknown",state="handshake"}', 0);
  const before = await bouncer.metric('client_connections_accepted_total');
  await until(
    async () => (await bouncer.metric('client_connections_accepted_total')) >= before + 3,
    { what: 'three checks' },
  );
  await addressesCount(t, port);
  const ended = 'client_connections_ended_total';
  for (const reason of ['proxy_header_invalid', 'proxy_header_missing', 'proxy_untrusted']) {
    t.equal(await bouncer.metric(`${ended}{reason="${reason}"}`), 0, reason);
  }
});

t.test('a client of a HAProxy that sends no header reads what is missing', async (t) => {
  if (findProgram('haproxy') === undefined) return skipOrFail(t, 'found no haproxy on PATH');
  const { bouncer } = await openHouse(t, { ...TRUSTED, handshake_timeout: '100ms' });
  const port = await haproxy(t, bouncer, '');
  const client = await connect(t, port, '127.0.0.5');
  t.match(client.helloReply, { kind: 'error', text: /expected a PROXY protocol header/ });
});

t.test("nginx tells its clients' addresses", async (t) => {
  if (findProgram('nginx') === undefined) return skipOrFail(t, 'found no nginx on PATH');
  const { bouncer } = await openHouse(t, TRUSTED);
  const port = await start(t, 'nginx', (place) => nginxConfig(place, bouncer));
  await addressesCount(t, port);
});
