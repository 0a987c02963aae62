// What systemd hears, with the real systemd-notify and a socket that stands in for systemd.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t, { type Test } from 'tap';
import { type ManagerVariables, serviceManager } from '../../src/base/service-manager.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { findProgram, skipOrFail } from '../support/find-faktory.ts';
import { until } from '../support/waiting.ts';

/** Binds a Unix datagram socket, which Node cannot, and prints each message. */
const LISTENER = `
import socket, sys
receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
receiver.bind(sys.argv[1])
print("bound", flush=True)
while True:
    for line in receiver.recv(4096).decode().splitlines():
        print(line, flush=True)
`;

const missing = ['python3', 'systemd-notify'].find((name) => findProgram(name) === undefined);
if (missing !== undefined) skipOrFail(t, `Cannot test sd_notify: found no ${missing} on PATH`);
const options = missing === undefined ? {} : { skip: missing };

async function listen(t: Test): Promise<{ readonly socket: string; readonly heard: string[] }> {
  const directory = mkdtempSync(join(tmpdir(), 'notify-'));
  const socket = join(directory, 'socket');
  const listener = spawn('python3', ['-c', LISTENER, socket], { stdio: 'pipe' });
  t.teardown(() => {
    listener.kill();
    rmSync(directory, { recursive: true });
  });
  const heard: string[] = [];
  createInterface({ input: listener.stdout }).on('line', (line) => heard.push(line));
  await until(() => heard.length === 1, { what: 'the socket' });
  return { socket, heard };
}

function manager(variables: ManagerVariables, clock = new FakeClock()) {
  return serviceManager({ PATH: process.env['PATH'], ...variables }, clock, process.pid);
}

t.test('it hears of start, status, reload and stop', options, async (t) => {
  const { socket, heard } = await listen(t);
  const clock = new FakeClock();
  const systemd = manager({ NOTIFY_SOCKET: socket }, clock);
  let clients = 1;
  const say = async (act: () => void, line: string): Promise<void> => {
    act();
    await until(() => heard.at(-1) === line, { what: line });
  };
  await say(() => systemd.ready(() => `${clients} clients`), 'STATUS=1 clients');
  clients = 2;
  await say(() => clock.advance(10_000), 'STATUS=2 clients');
  await say(() => systemd.reloading(), 'RELOADING=1');
  await say(() => systemd.reloaded(), 'READY=1');
  await say(() => systemd.stopping(), 'STOPPING=1');
  t.strictSame(heard, [
    'bound',
    'READY=1',
    'STATUS=1 clients',
    'STATUS=2 clients',
    'RELOADING=1',
    'READY=1',
    'STOPPING=1',
  ]);
});

t.test('it is pinged twice within the time that it allows', options, async (t) => {
  const { socket, heard } = await listen(t);
  const clock = new FakeClock();
  manager({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '30000000' }, clock);
  const pings = (): number => heard.filter((line) => line === 'WATCHDOG=1').length;
  await until(() => pings() === 1, { what: 'a ping' });
  clock.advance(14_999);
  clock.advance(1);
  await until(() => pings() === 2, { what: 'the second ping' });
});

t.test('a watchdog for another process, or none, is not pinged', async (t) => {
  for (const [WATCHDOG_USEC, WATCHDOG_PID] of [
    ['30000000', '1'],
    ['', undefined],
    ['soon', undefined],
    ['0', undefined],
  ] as const) {
    const clock = new FakeClock();
    manager({ NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC, WATCHDOG_PID }, clock);
    t.equal(clock.timers, 0, `${WATCHDOG_USEC} ${WATCHDOG_PID}`);
  }
});

t.test('without a service manager nothing is started', async (t) => {
  const clock = new FakeClock();
  for (const NOTIFY_SOCKET of [undefined, '']) {
    const none = manager({ NOTIFY_SOCKET, WATCHDOG_USEC: '1000' }, clock);
    none.ready(() => 'nobody asks');
    none.reloading();
    none.reloaded();
    none.stopping();
  }
  t.equal(clock.timers, 0);
});

t.test('a helper that cannot be started, or has died, costs nothing', async (t) => {
  const clock = new FakeClock();
  const systemd = serviceManager({ NOTIFY_SOCKET: '/nowhere', PATH: '/nowhere' }, clock, 1);
  for (let i = 0; i < 100; i += 1) {
    systemd.ready(() => 'x'.repeat(1000));
    clock.advance(10_000);
    await new Promise(setImmediate);
  }
  t.equal(clock.timers, 1);
});
