// `faktory-bouncer advise` as a process, before a real bouncer and a real Faktory with a client that leaks
// connections, and before a real Prometheus.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import type { Finding } from '../../src/advise/words.ts';
import { BouncerProgram, variablesFor } from '../support/bouncer-program.ts';
import { freePort } from '../support/free-port.ts';
import { Prometheus, prometheusIsMissing } from '../support/prometheus.ts';
import { pushLine } from '../support/push-line.ts';
import { RawClient } from '../support/raw-client.ts';
import { RealFaktory, requireFaktory } from '../support/real-faktory.ts';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const RULES = fileURLToPath(new URL('../../deploy/prometheus/alerts.yaml', import.meta.url));
/** No machine is so busy. */
const WITHIN_MS = 120_000;
const LEAKED = 30;
const PLACES = 40;

const skip = requireFaktory(t) === undefined;

interface Told {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

interface Running {
  /** What it has said so far on standard error. */
  readonly err: () => string;
  readonly ended: Promise<Told>;
  /** Ends a watch early. */
  readonly stop: () => void;
}

function run(t: Test, ...args: readonly string[]): Running {
  const child = spawn(process.execPath, [MAIN, 'advise', ...args], {
    env: { PATH: process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const ended = once(child, 'close').then(([code]): Told => ({ code: Number(code), out, err }));
  return { err: () => err, ended, stop: () => void child.kill('SIGTERM') };
}

interface Document {
  readonly bouncers: readonly {
    readonly source: string;
    readonly seconds: number;
    readonly limits: Readonly<Record<string, { peak: number; limit: number; turned_away: number }>>;
    readonly findings: readonly Finding[];
  }[];
}

async function house(
  t: Test,
  more: Readonly<Record<string, string>> = {},
): Promise<BouncerProgram> {
  const faktory = await RealFaktory.start();
  t.teardown(() => faktory.stop());
  const environment = variablesFor(faktory.port, {
    LIMITS_SERVER_CONNECTIONS: String(PLACES),
    LIMITS_FETCHES_IN_FLIGHT: String(PLACES),
    LIMITS_PRODUCER_RESERVE: '2',
    ...more,
  });
  const bouncer = await BouncerProgram.start({ environment });
  t.teardown(() => bouncer.end('SIGKILL'));
  return bouncer;
}

function connect(port: number, wid: string): Promise<RawClient> {
  return RawClient.connect({
    port,
    boundMs: WITHIN_MS,
    hello: { v: 2, wid, hostname: 'h', pid: 9 },
  });
}

/** How many connections the worker has, by the bouncer's own word. */
async function countOf(bouncer: BouncerProgram, wid: string): Promise<number> {
  const response = await fetch(`${bouncer.adminUrl}/api/clients?wid=${wid}&limit=1`);
  const { total } = (await response.json()) as { readonly total: number };
  return total;
}

t.test(
  'a leak, and limits that are full or too high, are found',
  { skip, timeout: 600_000 },
  async (t) => {
    const bouncer = await house(t);
    const { port } = bouncer;
    const leak = async (): Promise<void> => {
      const client = await connect(port, 'leaky');
      t.teardown(() => client.end());
      t.same(await client.command(pushLine().line), ok);
    };
    for (let i = 0; i < LEAKED; i += 1) await leak();
    const over = new AbortController();
    const consumers = Array.from({ length: 3 }, async () => {
      const client = await connect(port, 'sound');
      while (!over.signal.aborted) await client.command('FETCH nothing');
      client.end();
    });
    const watch = run(t, bouncer.adminUrl, '--for', '10m', '--json', '--exit-code');
    await until(() => /Watching for 600 s more/.test(watch.err()), {
      what: 'the watch to begin',
      withinMs: WITHIN_MS,
    });
    for (let i = 0; i < 3; i += 1) await leak();
    // The longer it took the bouncer to make these rows, the longer it answers with the same ones.
    await until(async () => (await countOf(bouncer, 'leaky')) === LEAKED + 3, {
      what: 'the bouncer to tell of all that leaked',
      withinMs: WITHIN_MS,
    });
    // What was seen until then is told.
    watch.stop();
    const { code, out, err } = await watch.ended;
    over.abort();
    await Promise.all(consumers);
    t.equal(code, 3, `--exit-code with advice; ${err}`);
    const [told] = (JSON.parse(out) as Document).bouncers;
    const found = (id: string) => told?.findings.find((finding) => finding.id === id);
    t.match(told?.limits['limits.server_connections'], { limit: PLACES });
    t.ok((told?.limits['limits.server_connections']?.peak ?? 0) > LEAKED);
    const leaking = told?.findings.filter(({ id }) => id === 'worker-leaks') ?? [];
    t.match(leaking, [{ subject: 'leaky', severity: 'problem', evidence: { added: 3 } }]);
    t.equal(leaking.length, 1, 'and no worker that FETCHes');
    t.ok(Number(leaking[0]?.evidence['idle']) >= LEAKED);
    t.ok(Number(leaking[0]?.change['limits.per_worker']) >= 20);
    t.match(found('fetches-in-flight-large'), { change: { 'limits.fetches_in_flight': 20 } });

    const text = await run(t, bouncer.adminUrl).ended;
    t.match(text, { code: 0, err: '' });
    t.match(text.out, /^http:\/\/127\.0\.0\.1:\d+: session mode, over \d+ s$/m);
    t.match(text.out, /^problem: limits\.fetches_in_flight \(40\) is not below .*\[fetches-in-fl/m);
    t.match(text.out, /^ {2}Change: limits: \{ fetches_in_flight: 20 \}$/m);
  },
);

t.test(
  'what observe_only would have refused is told by the bouncer, and the peak by Prometheus',
  { skip: skip || prometheusIsMissing, timeout: 600_000 },
  async (t) => {
    const bouncer = await house(t, { OBSERVE_ONLY: 'true' });
    const startedAt = Date.now();
    const prometheus = await Prometheus.start(t, [bouncer.admin], RULES);
    for (let i = 0; i < PLACES + 5; i += 1) {
      const client = await connect(bouncer.port, '');
      t.teardown(() => client.end());
    }
    const { out } = await run(t, bouncer.adminUrl, '--json').ended;
    const [own] = (JSON.parse(out) as Document).bouncers;
    t.match(
      own?.findings.find(({ id }) => id === 'server-connections-full'),
      {
        evidence: { refused: 0, would_have_refused: 6, peak: PLACES + 6, limit: PLACES },
        change: { 'limits.server_connections': 60 },
      },
    );
    t.ok(own?.findings.some(({ id }) => id === 'observe-only'));
    const told = await until(
      async () => {
        const { out, code } = await run(
          t,
          '--prometheus',
          prometheus.url,
          '--since',
          '5m',
          '--json',
        ).ended;
        if (code !== 0) return undefined;
        const { bouncers } = JSON.parse(out) as Document;
        const peak = bouncers[0]?.limits['limits.server_connections']?.peak ?? 0;
        return peak > PLACES ? bouncers : undefined;
      },
      { what: 'Prometheus to have seen the peak', withinMs: WITHIN_MS },
    );
    t.equal(told.length, 1);
    // Prometheus has scraped since it was started, and not for the 5 minutes that are asked for.
    const scrapedSeconds = (Date.now() - startedAt) / 1000 + 1;
    t.ok((told[0]?.seconds ?? Infinity) <= scrapedSeconds, `over ${told[0]?.seconds} s`);
    t.match(told[0]?.source, /^http:\/\/127\.0\.0\.1:\d+, \S+ 127\.0\.0\.1:\d+$/);
    const ids = told[0]?.findings.map(({ id }) => id) ?? [];
    t.ok(ids.includes('fetches-in-flight-large'), ids.join(', '));
  },
);

t.test(
  'the processes of one bouncer share its limit with no other bouncer',
  { skip: skip || prometheusIsMissing, timeout: 600_000 },
  async (t) => {
    const bouncer = await house(t, { PROCESSES: '2', LIMITS_FETCHES_IN_FLIGHT: '80' });
    const prometheus = await Prometheus.start(t, [bouncer.admin], RULES);
    const findingsOf = async (...args: readonly string[]): Promise<readonly string[]> => {
      const { out, code } = await run(t, ...args, '--json').ended;
      if (code !== 0) return [];
      const [told] = (JSON.parse(out) as Document).bouncers;
      return (told?.findings ?? []).map(({ id }) => id);
    };
    // Where bouncers share a limit, it is not said of one of them.
    const id = 'fetches-in-flight-large';
    t.ok((await findingsOf(bouncer.adminUrl)).includes(id), 'the bouncer itself');
    await until(async () => (await findingsOf('--prometheus', prometheus.url)).includes(id), {
      what: 'the same by Prometheus',
      withinMs: WITHIN_MS,
    });
  },
);

t.test('where nothing can be read it says what to do, and ends with 1', async (t) => {
  const bouncer = await run(t, '127.0.0.1:1').ended;
  t.match(bouncer, {
    code: 1,
    out: '',
    err: /^Cannot read http:\/\/127\.0\.0\.1:1: nothing listens/,
  });
  const prometheus = await run(t, '--prometheus', `http://127.0.0.1:${await freePort()}`).ended;
  t.match(prometheus, { code: 1, out: '', err: /^Cannot ask Prometheus at .*: nothing listens/ });
});
