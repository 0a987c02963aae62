// The port, from one bouncer to the next: a socket that systemd hands over, and one that two share.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { signal } from '../bench/harness/signals.ts';
import { socketActivation } from '../src/config/activation.ts';
import { pushLine } from './session/house.ts';
import { startBouncer } from './support/bouncer.ts';
import { RawClient } from './support/raw-client.ts';
import { ok } from './support/reply.ts';
import { StandInFaktory } from './support/stand-in-faktory.ts';
import { until } from './support/waiting.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

t.test('a socket is taken by the process that it was meant for, and only one', async (t) => {
  const one = { LISTEN_PID: '7', LISTEN_FDS: '1' };
  t.strictSame(socketActivation(one, 7), { kind: 'socket', fd: 3 });
  t.strictSame(socketActivation(one, 8), { kind: 'none' });
  t.strictSame(socketActivation({ LISTEN_FDS: '1' }, 7), { kind: 'none' });
  t.strictSame(socketActivation({}, 7), { kind: 'none' });
  for (const count of ['0', '2', 'x', '']) {
    const { kind } = socketActivation({ ...one, LISTEN_FDS: count }, 7);
    t.equal(kind, 'refused', count);
  }
});

/**
 * Holds a listening socket and accepts nothing, as systemd does, while it starts the program twice, one
 * after the other. Perl is part of every Debian.
 */
const HOLDER = `
  use Socket; use POSIX ();
  $^F = 10; $| = 1;
  if ($ENV{HELD} eq 'a socket') { socket($held, PF_INET, SOCK_STREAM, 0) or die; listen_on($held) }
  else { open($held, '<', '/dev/null') or die }
  POSIX::dup2(fileno($held), 3) unless fileno($held) == 3;
  for (1 .. 2) {
    my $pid = fork();
    if ($pid == 0) { $ENV{LISTEN_PID} = $$; exec @ARGV }
    print "started $pid\\n";
    waitpid($pid, 0);
    print "ended ", $? >> 8, "\\n";
  }
  sub listen_on {
    bind($_[0], sockaddr_in(0, INADDR_LOOPBACK)) or die; listen($_[0], 100) or die;
    print "port ", (sockaddr_in(getsockname($_[0])))[0], "\\n";
  }
`;

/** The program, twice, with file descriptor 3 as systemd would hand it over. */
function activated(
  t: Test,
  held: 'a socket' | 'a file',
  faktoryPort: number,
  options: Readonly<Record<string, string>> = {},
) {
  const child = spawn('perl', ['-e', HOLDER, '--', process.execPath, MAIN], {
    env: {
      PATH: process.env['PATH'],
      HELD: held,
      LISTEN_FDS: '1',
      FAKTORY_BOUNCER_SERVER_URL: `tcp://127.0.0.1:${faktoryPort}`,
      FAKTORY_BOUNCER_ADMIN_ADDRESS: '127.0.0.1:0',
      ...options,
    },
  });
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (out += bytes.toString()));
  const pids = (): number[] =>
    [...out.matchAll(/^started (\d+)$/gm)].map(({ 1: pid }) => Number(pid));
  t.teardown(() => {
    child.kill('SIGKILL');
    // The last may be alive; those before it have ended, and their ids may be another's by now.
    const alive = pids().length > [...out.matchAll(/^ended /gm)].length ? pids().at(-1) : undefined;
    if (alive !== undefined) signal(alive, 'SIGKILL');
  });
  return {
    /** Resolves with what `pattern` finds the `nth` time. */
    said: (pattern: RegExp, nth = 1): Promise<string> =>
      until(() => [...out.matchAll(pattern)][nth - 1]?.[1], {
        what: String(pattern),
        withinMs: 60_000,
      }),
    stop: (): void => {
      signal(pids().at(-1), 'SIGTERM');
    },
  };
}

t.test('a socket of systemd outlives the bouncer, and no client is refused', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const programs = activated(t, 'a socket', faktory.port);
  const port = Number(await programs.said(/^port (\d+)$/gm));
  t.match(await programs.said(/"listen":"([^"]+)"/g), `127.0.0.1:${port}`);
  const client = await RawClient.connect({ port, boundMs: 60_000 });
  t.same(await client.command(pushLine().line), ok);
  programs.stop();
  t.equal(await programs.said(/^ended (\d+)$/gm), '0');
  const between = await RawClient.connect({ port, boundMs: 60_000 });
  t.same(await between.command(pushLine().line), ok);
  between.reset();
  programs.stop();
  t.equal(await programs.said(/^ended (\d+)$/gm, 2), '0');
});

t.test('a socket of systemd goes to all processes of a bouncer', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const options = { FAKTORY_BOUNCER_PROCESSES: '2' };
  const programs = activated(t, 'a socket', faktory.port, options);
  const port = Number(await programs.said(/^port (\d+)$/gm));
  t.match(await programs.said(/"listen":"([^"]+)"/g), `127.0.0.1:${port}`);
  const client = await RawClient.connect({ port, boundMs: 60_000 });
  t.same(await client.command(pushLine().line), ok);
  programs.stop();
  t.equal(await programs.said(/^ended (\d+)$/gm), '0');
  t.match(await programs.said(/"listen":"([^"]+)"/g, 2), `127.0.0.1:${port}`);
  programs.stop();
  t.equal(await programs.said(/^ended (\d+)$/gm, 2), '0');
  client.reset();
});

t.test('what is no listening socket is named', async (t) => {
  const programs = activated(t, 'a file', 1);
  t.ok(await programs.said(/(Cannot listen on file descriptor 3, which LISTEN_FDS hands over)/g));
  t.equal(await programs.said(/^ended (\d+)$/gm, 2), '1');
});

t.test('two bouncers share a port if both say so, and the second goes on alone', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const first = await startBouncer(t, {
    port: faktory.port,
    overrides: { 'listen.reuse_port': true },
  });
  const address = `127.0.0.1:${first.port}`;
  const start = (reuse: boolean) =>
    startBouncer(t, {
      port: faktory.port,
      overrides: { 'listen.address': address, 'listen.reuse_port': reuse },
    });
  await t.rejects(start(false), { code: 'EADDRINUSE' });
  const second = await start(true);
  const clients = await Promise.all(
    Array.from({ length: 40 }, () => RawClient.connect({ port: first.port })),
  );
  const ofFirst = await first.metric('client_connections_accepted_total');
  const ofSecond = await second.metric('client_connections_accepted_total');
  t.ok(ofFirst > 0 && ofSecond > 0, `${ofFirst} and ${ofSecond}`);
  await first.drain();
  const late = await RawClient.connect({ port: second.port });
  t.same(await late.command(pushLine().line), ok);
  for (const client of [...clients, late]) client.reset();
});
