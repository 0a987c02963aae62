// A server connection between Faktory's end and the socket's 'close': what comes then goes elsewhere.

import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t from 'tap';
import { SystemClock } from '../../src/base/clock.ts';
import { systemDial } from '../../src/base/lean-socket.ts';
import { Live } from '../../src/base/live.ts';
import { Hasher } from '../../src/base/hasher.ts';
import { BufferBudget } from '../../src/base/buffer-budget.ts';
import { Lingering } from '../../src/base/lingering.ts';
import { StallWatch } from '../../src/base/stall-watch.ts';
import { Turns } from '../../src/base/turns.ts';
import { ServerCounts } from '../../src/server/server-counts.ts';
import { DialPermits } from '../../src/server/dial-permits.ts';
import { Dialler } from '../../src/server/dialler.ts';
import { ServerHealth } from '../../src/server/health.ts';
import { ownHello } from '../../src/server/own-hello.ts';
import { ServerConnections } from '../../src/server/server-connections.ts';

for (const how of ['end', 'resetAndDestroy', 'unasked'] as const) {
  t.test(`${how}: a shared connection is open no more when the next handler runs`, async (t) => {
    const server = createServer((far) => {
      far.on('error', () => {});
      far.write('+HI {"v":2}\r\n');
      far.once('data', () => {
        far.write('+OK\r\n');
        // Later, so that the end is a turn of its own.
        setTimeout(() => {
          if (how === 'unasked') far.write('+OK\r\n');
          else far[how]();
        }, 20);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const clock = new SystemClock();
    let near: Socket | null = null;
    const counts = new ServerCounts();
    const permits = new DialPermits(clock);
    const servers = new ServerConnections({
      settings: new Live({
        address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
        local: { host: '', ports: null },
        secure: null,
        password: '',
        connectTimeoutMs: 2000,
        answerTimeoutMs: 0,
        infoIntervalMs: 0,
        keepaliveMs: 0,
        writeStallTimeoutMs: 0,
      }),
      dial: (...dial) => (near = systemDial()(...dial)),
      clock,
      counts,
      hasher: new Hasher(),
      dialler: new Dialler({ clock, random: Math.random, counts, permits }),
      permits,
      health: new ServerHealth({ onHealth: () => {} }, permits),
      budget: new BufferBudget(clock, new Live({ bufferedBytes: Infinity })),
      wiring: {
        turns: new Turns(clock),
        stalls: new StallWatch(clock, () => 0),
        lingering: new Lingering(clock, 2000),
        onBug: (error) => t.fail(String(error)),
      },
      events: { dialStarted: () => {}, dialFailed: () => {}, handshakeRefused: () => {} },
    });
    let stateBeforeClose = '';
    await new Promise<void>((resolve) => {
      const connection = servers.open({
        lane: 'command',
        hello: ownHello(''),
        place: { release: () => {} },
        dialReason: 'first',
        isShared: true,
        owner: { onOpen: watch, onAnswered: () => {}, onEnd: () => resolve() },
      });
      function watch(): void {
        const look = (): void => void (stateBeforeClose ||= connection.state);
        // After the connection's own handlers, and before 'close'.
        near?.once('end', look);
        near?.once('error', look);
        near?.once('data', look);
      }
    });
    t.equal(stateBeforeClose, 'closing');
  });
}
