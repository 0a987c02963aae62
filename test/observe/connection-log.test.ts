// The connection log: what a line says, how many there are, and that no client can spoil one.

import t from 'tap';
import { CountBy } from '../../src/base/counters.ts';
import { Live } from '../../src/base/live.ts';
import type { EndedClient } from '../../src/client/client-events.ts';
import {
  CONNECTION_LOG_OUTCOMES,
  ConnectionLog,
  type ConnectionLogSettings,
} from '../../src/observe/connection-log.ts';
import { createLog, type LogLevel } from '../../src/observe/log.ts';
import { startBouncer } from '../support/bouncer.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { StandInFaktory } from '../support/stand-in-faktory.ts';
import { pushLine } from '../session/house.ts';
import { until } from '../support/waiting.ts';

const CLIENT: EndedClient = {
  reason: 'client_closed',
  detail: null,
  role: 'worker',
  address: '10.0.0.7',
  wid: 'w1',
  seconds: 2,
  commands: 3,
  bytesIn: 40,
  bytesOut: 50,
};

type Line = Record<string, unknown>;

function open(settings: Partial<ConnectionLogSettings>, level: LogLevel = 'info') {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  const clock = new FakeClock();
  const counts = new CountBy(CONNECTION_LOG_OUTCOMES);
  const connections = new Live<ConnectionLogSettings>({
    which: 'all',
    sample: 4,
    perSecond: 100,
    ...settings,
  });
  let next = 0;
  const log = new ConnectionLog({
    log: createLog(level, { write }),
    clock,
    random: () => (next = (next + 0.25) % 1),
    connections,
    counts,
  });
  return { log, lines, clock, counts, connections };
}

t.test('a line says all that is known of the connection', async (t) => {
  const { log, lines } = open({});
  log.ended({ ...CLIENT, detail: 'CERT_HAS_EXPIRED', seconds: 0.00793683400000009 });
  t.match(lines, [
    {
      ...CLIENT,
      detail: 'CERT_HAS_EXPIRED',
      seconds: 0.008,
      level: 'info',
      msg: 'client connection ended',
    },
  ]);
});

t.test('off writes nothing at info, and all at debug', async (t) => {
  const quiet = open({ which: 'off' });
  quiet.log.ended(CLIENT);
  t.strictSame(quiet.lines, []);
  const loud = open({ which: 'off' }, 'debug');
  loud.log.ended(CLIENT);
  t.match(loud.lines, [{ level: 'debug', wid: 'w1' }]);
  t.strictSame(loud.counts.values, { written: 0, left_out: 0 });
});

t.test('sampled writes one of so many', async (t) => {
  const { log, lines } = open({ which: 'sampled' });
  for (let ended = 0; ended < 20; ended += 1) log.ended(CLIENT);
  t.equal(lines.length, 5);
});

t.test(
  'a second has so many lines and no more, and the next line says what was left out',
  async (t) => {
    const { log, lines, clock, counts } = open({ perSecond: 2 });
    for (let ended = 0; ended < 5; ended += 1) log.ended(CLIENT);
    t.equal(lines.length, 2);
    clock.advance(1000);
    log.ended(CLIENT);
    log.ended(CLIENT);
    log.ended(CLIENT);
    t.strictSame(
      lines.map(({ suppressed }) => suppressed),
      [undefined, undefined, 3, undefined],
    );
    t.strictSame(counts.values, { written: 4, left_out: 4 });
  },
);

t.test('at a level above info no line is written or counted', async (t) => {
  const { log, lines, counts } = open({}, 'warn');
  log.ended(CLIENT);
  t.strictSame([lines, counts.values], [[], { written: 0, left_out: 0 }]);
});

t.test('a changed setting counts from the next end on', async (t) => {
  const { log, lines, connections } = open({ which: 'off' });
  log.ended(CLIENT);
  connections.replace({ which: 'all', sample: 1, perSecond: 1 });
  log.ended(CLIENT);
  t.equal(lines.length, 1);
});

t.test('a wid is cut at 64 characters, and only visible ASCII of it is written', async (t) => {
  const { log, lines } = open({});
  for (const wid of ['a'.repeat(64), 'a'.repeat(65), 'x\n\u001b[2J\u202e"ü', '', null]) {
    log.ended({ ...CLIENT, wid });
  }
  t.strictSame(
    lines.map(({ wid }) => wid),
    ['a'.repeat(64), `${'a'.repeat(64)}…`, 'x??[2J?"?', undefined, undefined],
  );
});

t.test('a bouncer counts commands and bytes of each client, and knows a refused one', async (t) => {
  const lines: Line[] = [];
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line);
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: { 'log.connections': 'all', 'limits.per_worker': 1, refusal_delay: '10ms' },
    log: createLog('info', { write }),
  });
  await bouncer.isUp();
  const client = await bouncer.connect({ wid: 'w1' });
  await client.command(pushLine().line);
  await client.command('INFO');
  const refused = await bouncer.connect({ wid: 'w1' });
  await refused.closed;
  client.end();
  await client.closed;
  const ends = (): Line[] => lines.filter(({ msg }) => msg === 'client connection ended');
  await until(() => ends().length === 2, { what: 'two lines' });
  const bytes = await bouncer.metrics();
  const [first, second] = ends();
  t.match(first, {
    reason: 'refused',
    role: 'worker',
    wid: 'w1',
    commands: 0,
    address: '127.0.0.1',
  });
  t.match(second, { reason: 'client_closed', role: 'worker', wid: 'w1', commands: 2 });
  const sum = (key: string): number => Number(first?.[key]) + Number(second?.[key]);
  t.equal(sum('bytesIn'), bytes.get('bytes_total{direction="client_received"}'));
  t.equal(sum('bytesOut'), bytes.get('bytes_total{direction="client_sent"}'));
});
