// Reports to statsd as a receiver gets them, over real sockets.

import { mkdtempSync, rmSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SystemClock } from '../../../src/base/clock.ts';
import { Counts } from '../../../src/observe/counts.ts';
import { allFamilies } from '../../../src/observe/families/all.ts';
import { CachedLookup } from '../../../src/observe/statsd/cached-lookup.ts';
import { Statsd, type StatsdSettings } from '../../../src/observe/statsd/statsd.ts';
import { type RunningBouncer, startBouncer } from '../../support/bouncer.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { freePort } from '../../support/free-port.ts';
import { fullSnapshot } from '../../support/full-snapshot.ts';
import { StandInFaktory } from '../../support/stand-in-faktory.ts';
import { StatsdReceiver, linesOf } from '../../support/statsd-receiver.ts';
import { UnixReceiver, koffiIsMissing } from '../../support/unix-receiver.ts';
import { STARTS_MS, until } from '../../support/waiting.ts';

const PACKET_BYTES_MAX = 1432;

interface Reporting {
  readonly counts: Counts;
  readonly statsd: Statsd;
  /** The log's lines so far: level and text. */
  readonly lines: string[];
  /** Why warnings were logged. */
  readonly reasons: string[];
  /** One interval passes. Resolves when its report is made. */
  readonly report: () => Promise<void>;
}

function reportTo(
  t: Test,
  settings: Pick<StatsdSettings, 'target'> & Partial<StatsdSettings>,
): Reporting {
  const counts = new Counts();
  const fake = new FakeClock();
  // Packets to a Unix socket wait in real time.
  const clock = Object.assign(fake, {
    after: (ms: number, act: () => void) =>
      ms < 1000 ? new SystemClock().after(ms, act) : FakeClock.prototype.after.call(fake, ms, act),
  });
  const lines: string[] = [];
  const reasons: string[] = [];
  const log = {
    info: (_fields: object, text: string) => void lines.push(`info ${text}`),
    warn: (fields: { readonly reason: string }, text: string) => {
      lines.push(`warn ${text}`);
      reasons.push(fields.reason);
    },
  };
  const statsd = new Statsd({
    settings: {
      intervalMs: 10_000,
      prefix: 'b.',
      tags: ['env:test'],
      legacyNames: 'none',
      legacyPrefix: 'faktory.',
      ...settings,
    },
    families: allFamilies('0.1.0'),
    source: () => ({ counts, snapshot: fullSnapshot() }),
    runTimes: () => [],
    counts: counts.statsd,
    clock,
    log: log as never,
  });
  statsd.start();
  t.teardown(() => statsd.stop());
  const report = async (): Promise<void> => {
    const { reports, errors } = counts.statsd;
    fake.advance(10_000);
    await until(() => counts.statsd.reports > reports || counts.statsd.errors > errors, {
      what: 'a report',
      // The system may ask elsewhere for a name, and takes its time for one that does not exist.
      withinMs: STARTS_MS,
    });
  };
  return { counts, statsd, lines, reasons, report };
}

t.test('a report comes as packets of bounded size, with tags on every line', async (t) => {
  const receiver = await StatsdReceiver.start(t);
  const target = { kind: 'udp', host: '127.0.0.1', port: receiver.port } as const;
  const { report, statsd, lines } = reportTo(t, { target, legacyNames: 'enterprise' });
  await report();
  await statsd.stop();
  await receiver.line('faktory.ops.connections');
  t.ok(receiver.packets.length > 1);
  for (const { length } of receiver.packets) t.ok(length <= PACKET_BYTES_MAX, `${length} bytes`);
  t.ok(receiver.lines.every(({ tags }) => tags.includes('env:test')));
  t.match(await receiver.line('b.waiting_line_length', 'role:worker'), { value: 4, type: 'g' });
  t.strictSame(lines, ['info sending metrics to statsd']);
});

t.test(
  'a receiver that is gone costs no error, and the next one gets the next report',
  async (t) => {
    const gone = await StatsdReceiver.start(t);
    gone.stop();
    const { port } = gone;
    const { report, counts } = reportTo(t, { target: { kind: 'udp', host: '127.0.0.1', port } });
    await report();
    t.equal(counts.statsd.reports, 1);
    const receiver = await StatsdReceiver.start(t, port);
    await report();
    t.match(await receiver.line('b.workers'), { value: 9 });
  },
);

t.test('packets that cannot be sent are counted, and logged once', async (t) => {
  // The system refuses to send to it: the socket is not one for broadcasts.
  const target = { kind: 'udp', host: '255.255.255.255', port: 8125 } as const;
  const { report, counts, lines } = reportTo(t, { target });
  await report();
  await until(() => counts.statsd.errors > 1, { what: 'failed packets' });
  await report();
  t.equal(lines.filter((line) => line.startsWith('warn Cannot send to statsd')).length, 1);
});

t.test('a name is looked up once for many packets, found or not', async (t) => {
  const asked: ((error: Error | null, address: string) => void)[] = [];
  let now = 0;
  const names = new CachedLookup(
    () => now,
    (_name, found) => void asked.push(found),
  );
  const found: string[] = [];
  const look = (): void =>
    names.lookup('agent', (error, address) => found.push(error?.message ?? address));
  look();
  look();
  t.equal(asked.length, 1);
  asked[0]?.(new Error('no such host'), '');
  look();
  t.strictSame(found, ['no such host', 'no such host', 'no such host']);
  now = 30_000;
  look();
  asked[1]?.(null, '10.0.0.5');
  look();
  t.equal(asked.length, 2);
  t.strictSame(found.slice(3), ['10.0.0.5', '10.0.0.5']);
});

t.test('the address that the socket binds to is not taken for the one of the receiver', (t) => {
  const asked: string[] = [];
  const names = new CachedLookup(
    () => 0,
    (name, found) => {
      asked.push(name);
      found(null, '10.0.0.5');
    },
  );
  const found: string[] = [];
  for (const name of ['0.0.0.0', 'agent', 'agent'])
    names.lookup(name, (_error, address) => void found.push(address));
  t.strictSame(found, ['0.0.0.0', '10.0.0.5', '10.0.0.5']);
  t.strictSame(asked, ['agent']);
  t.end();
});

t.test('a host that is unknown is an error, logged once, and no report counts', async (t) => {
  // RFC 6761: no such name exists.
  const target = { kind: 'udp', host: 'nohost.invalid', port: 8125 } as const;
  const { report, counts, reasons } = reportTo(t, { target });
  await report();
  await report();
  t.equal(counts.statsd.reports, 0);
  t.equal(reasons.length, 1);
  t.match(reasons[0], /^getaddrinfo [A-Z_]+ nohost\.invalid$/);
});

t.test('a host that has a name gets the first report', async (t) => {
  const receiver = await StatsdReceiver.start(t);
  const target = { kind: 'udp', host: 'localhost', port: receiver.port } as const;
  const { report, counts } = reportTo(t, { target });
  await report();
  t.match(await receiver.line('b.workers'), { value: 9 });
  t.equal(counts.statsd.reports, 1);
  t.equal(counts.statsd.errors, 0);
});

const skip = koffiIsMissing;

function socketPath(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'statsd-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, 'dsd.sock');
}

t.test('a Unix socket that comes late gets the next report', { skip }, async (t) => {
  const path = socketPath(t);
  const { report, counts, lines } = reportTo(t, { target: { kind: 'unix', path } });
  await report();
  await until(() => counts.statsd.errors > 0, { what: 'a failed packet' });
  t.equal(counts.statsd.reports, 0, 'nothing was sent');
  const receiver = await UnixReceiver.bind(t, path);
  await report();
  const packets = receiver.take();
  t.ok(linesOf(packets).some(({ name }) => name === 'b.workers'));
  for (const { length } of packets) t.ok(length <= PACKET_BYTES_MAX + 1, `${length} bytes`);
  t.equal(counts.statsd.reports, 1);
  await report();
  await until(() => lines.includes('info sending metrics to statsd again'), { what: 'the end' });
  t.equal(lines.filter((line) => line.startsWith('warn')).length, 1);
});

t.test(
  'without the optional package a Unix socket is an error, and the log names it',
  async (t) => {
    const hooks = registerHooks({
      resolve(specifier, context, next) {
        if (specifier === 'koffi') throw new Error('of a test: not installed');
        return next(specifier, context);
      },
    });
    t.teardown(() => hooks.deregister());
    const { counts, reasons } = reportTo(t, { target: { kind: 'unix', path: '/tmp/none' } });
    await until(() => counts.statsd.errors > 0, { what: 'the error' });
    t.match(reasons, [/^the optional package koffi is not installed .* use udp:/]);
  },
);

t.test(
  'a Unix socket that takes no more loses packets, and the rest of them',
  { skip },
  async (t) => {
    const path = socketPath(t);
    const receiver = await UnixReceiver.bind(t, path);
    const { report, counts } = reportTo(t, { target: { kind: 'unix', path } });
    for (let reports = 0; counts.statsd.errors === 0 && reports < 200; reports += 1) await report();
    t.ok(counts.statsd.errors > 0, 'its buffer is full by then');
    const { length } = receiver.take();
    t.ok(length > 0);
    await report();
    t.ok(receiver.take().length > 0, 'it takes packets again');
  },
);

/** A bouncer that reports each second: the shortest interval. */
async function reportingBouncer(
  t: Test,
  faktoryPort: number,
  url: string,
): Promise<RunningBouncer> {
  const overrides = { 'statsd.url': url, 'statsd.interval': '1s', 'statsd.tags': 'env:test' };
  return startBouncer(t, { port: faktoryPort, overrides });
}

t.test('packets keep coming with Faktory stopped', async (t) => {
  const receiver = await StatsdReceiver.start(t);
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const bouncer = await reportingBouncer(t, faktory.port, receiver.url);
  await bouncer.isUp();
  const isUp = (value: number) => (): boolean =>
    receiver.lines.some(
      (line) => line.name === 'faktory_bouncer.faktory_up' && line.value === value,
    );
  await until(isUp(1), { what: 'a report of Faktory up' });
  await faktory.stop();
  await until(isUp(0), { what: 'a report of Faktory down' });
  const { length } = receiver.packets;
  await until(() => receiver.packets.length > length, { what: 'one more report' });
});

t.test(
  'a bouncer starts without Faktory and without a receiver, and reports its end',
  async (t) => {
    const port = await freePort();
    const bouncer = await reportingBouncer(t, await freePort(), `udp://127.0.0.1:${port}`);
    await bouncer.metricIs('statsd_reports_total', 1);
    const receiver = await StatsdReceiver.start(t, port);
    await bouncer.drain();
    t.match(await receiver.line('faktory_bouncer.draining'), { value: 1 });
  },
);
