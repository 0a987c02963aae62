// A reload of a bouncer that has clients: what is applied, what is refused, and that no client notices.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { SILENT } from '../src/base/service-manager.ts';
import { Reloads } from '../src/reloads.ts';
import { ReloadCounts } from '../src/observe/reload-counts.ts';
import { ADMIN_TOKEN, configFor, startBouncer } from './support/bouncer.ts';
import { FakeClock } from './support/fake-clock.ts';
import { RawClient } from './support/raw-client.ts';
import { ok, nil } from './support/reply.ts';
import { StandInFaktory } from './support/stand-in-faktory.ts';
import { openHouse, pushLine, waitingAre } from './session/house.ts';
import { until } from './support/waiting.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

t.test('a raised limit lets in who waits, and a lowered one closes nobody', async (t) => {
  const { bouncer, connect } = await openHouse(t, {
    'limits.server_connections': 2,
    'limits.producer_reserve': 0,
  });
  const first = await connect({ wid: 'w' });
  t.same(await first.command('FETCH other'), nil);
  const second = connect();
  await waitingAre(bouncer, 'producer', 1);
  const raised = await bouncer.reload({ 'limits.server_connections': 3 });
  t.strictSame(raised, {
    kind: 'applied',
    changed: ['limits.server_connections'],
    needRestart: [],
    warnings: [],
  });
  t.same((await second).helloReply, ok);
  await bouncer.reload({ 'limits.server_connections': 2 });
  t.same(await (await second).command(pushLine().line), ok);
  t.same(await first.command(`ACK {"jid":"x"}`), ok);
  t.equal(bouncer.snapshot().limits.serverConnections, 2);
});

t.test('a wrong configuration changes nothing, and all of it is told', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  const client = await connect();
  const wrong = await bouncer.reload({ 'limits.clients': 0, 'limits.handshakes': 5, mode: 'x' });
  t.match(wrong, {
    kind: 'refused',
    problems: [/limits\.clients: found 0; /, /mode: found "x"; /],
  });
  t.equal(bouncer.snapshot().limits.handshakes, 1000);
  t.equal(await bouncer.metric('reloads_total{outcome="refused"}'), 1);
  t.equal(await bouncer.metric('config_last_reload_successful'), 0);
  const right = await bouncer.reload({ 'limits.handshakes': 5 });
  t.equal(right.kind, 'applied');
  t.equal(await bouncer.metric('config_last_reload_successful'), 1);
  t.ok((await bouncer.metric('config_last_reload_success_timestamp_seconds')) > 1.7e9);
  t.equal(bouncer.snapshot().limits.handshakes, 5);
  t.match(await bouncer.reload({ 'limits.handshakes': 5 }), { kind: 'applied', changed: [] });
  t.equal(await bouncer.metric('reloads_total{outcome="unchanged"}'), 1);
  t.same(await client.command(pushLine().line), ok);
});

t.test('what needs a restart is named and kept beside what is applied', async (t) => {
  const { bouncer, connect } = await openHouse(t);
  const result = await bouncer.reload({
    mode: 'pooled',
    'server.url': 'tcp://127.0.0.1:1',
    'limits.clients': 1,
  });
  t.match(result, { changed: ['limits.clients'], needRestart: ['server.url', 'mode'] });
  const client = await connect();
  t.same(await client.command(pushLine().line), ok, 'it still dials the Faktory that it knows');
  t.equal(bouncer.snapshot().mode, 'session');
  t.match((await connect()).hi, { kind: 'error', text: /limit 1, limits\.clients/ });
});

t.test('reloads run one after another, and those asked for meanwhile are one', async (t) => {
  const config = configFor({ port: 1 });
  const loads: PromiseWithResolvers<void>[] = [];
  const counts = new ReloadCounts();
  const lines: unknown[] = [];
  const reloads = new Reloads({
    source: {
      load: async () => {
        const load = Promise.withResolvers<void>();
        loads.push(load);
        await load.promise;
        return { config, warnings: [] };
      },
      filesOf: () => [],
    },
    clock: new FakeClock(),
    log: {
      info: (...line: unknown[]) => void lines.push(line),
      warn: () => t.fail('a warning'),
      error: (...line: unknown[]) => void lines.push(line),
    },
    counts,
    manager: SILENT,
    config,
    apply: () => {},
  });
  const first = reloads.reload();
  await until(() => loads.length === 1, { what: 'the first reload' });
  const [second, third] = [reloads.reload(), reloads.reload()];
  t.equal(second, third);
  loads[0]?.resolve();
  t.match(await first, { kind: 'applied', changed: [], needRestart: [] });
  await until(() => loads.length === 2, { what: 'the second reload' });
  loads[1]?.reject(new Error('the disk is gone'));
  t.match(await second, { kind: 'refused', problems: [/the disk is gone/] });
  t.equal(loads.length, 2);
  t.match(counts, { outcomes: { values: { unchanged: 1, refused: 1 } }, lastFailed: true });
  t.equal(lines.length, 2);
});

t.test('the service manager hears of a reload and a stop over the admin API', async (t) => {
  const faktory = await StandInFaktory.start();
  t.teardown(() => faktory.stop());
  const heard: string[] = [];
  const bouncer = await startBouncer(t, {
    port: faktory.port,
    overrides: { 'admin.token_file': '/run/token' },
    manager: {
      reloading: () => heard.push('reloading'),
      reloaded: () => heard.push('reloaded'),
      stopping: () => heard.push('stopping'),
    },
  });
  const act = async (name: string): Promise<number> => {
    const { status } = await fetch(`http://127.0.0.1:${bouncer.adminPort}/api/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
    });
    return status;
  };
  bouncer.change({ 'admin.token_file': '/run/token' });
  t.equal(await act('reload'), 200);
  bouncer.change({ 'limits.clients': 0 });
  t.equal(await act('reload'), 422);
  t.strictSame(heard, ['reloading', 'reloaded', 'reloading', 'reloaded']);
  t.equal(await act('drain'), 202);
  await bouncer.bouncer.ended;
  t.strictSame(heard.slice(4), ['stopping']);
});

/** The program itself, with its log. */
class Program {
  readonly #child: ChildProcess;
  #log = '';

  constructor(t: Test, args: readonly string[], environment: Record<string, string>) {
    const env = { PATH: process.env['PATH'], ...environment };
    this.#child = spawn(process.execPath, [MAIN, ...args], { env });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    t.teardown(() => this.#child.kill('SIGKILL'));
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async ended(): Promise<number | null> {
    const [code] = await once(this.#child, 'exit');
    return code;
  }

  /** The next line of the log that holds `part`; those before it are forgotten. */
  async line(part: string): Promise<Record<string, unknown>> {
    const text = await until(() => this.#take(part), { what: part, withinMs: 60_000 });
    return JSON.parse(text) as Record<string, unknown>;
  }

  #take(part: string): string | undefined {
    const lines = this.#log.split('\n').slice(0, -1);
    const at = lines.findIndex((line) => line.includes(part));
    if (at === -1) return undefined;
    this.#log = this.#log.slice(lines.slice(0, at + 1).join('\n').length + 1);
    return lines[at];
  }
}

/** The program in front of a Faktory with a password, configured by a file. */
async function program(t: Test, yaml: string) {
  const faktory = await StandInFaktory.start({ password: 'first' });
  t.teardown(() => faktory.stop());
  const dir = t.testdir({ 'b.yaml': yaml, password: 'first\n' });
  const file = join(dir, 'b.yaml');
  const bouncer = new Program(t, ['--config', file], {
    FAKTORY_PASSWORD: join(dir, 'password'),
    FAKTORY_BOUNCER_SERVER_URL: `tcp://127.0.0.1:${faktory.port}`,
    FAKTORY_BOUNCER_LISTEN_ADDRESS: '127.0.0.1:0',
    FAKTORY_BOUNCER_ADMIN_ADDRESS: '127.0.0.1:0',
  });
  const { listen } = await bouncer.line('"listening"');
  await bouncer.line('Faktory is up');
  const port = Number(String(listen).split(':').at(-1));
  return { dir, file, bouncer, port, faktory };
}

/** Longer than a watch waits for a file to be written to its end. */
const CHANGED_EVERY_MS = 2000;
const SMALL = 'limits: { clients: 100, server_connections: 100 }\n';

t.test('SIGHUP reads file and password again: good ones apply, bad ones do not', async (t) => {
  const { dir, file, bouncer, port } = await program(t, SMALL);
  const client = await RawClient.connect({ port, password: 'first' });
  t.teardown(() => client.reset());
  writeFileSync(file, `${SMALL}mode: pooled\nlog: { level: debug }\n`);
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('configuration reloaded'), {
    changed: ['log.level'],
    needRestart: ['mode'],
  });
  t.match(await bouncer.line('need a restart'), { level: 'warn', options: ['mode'] });
  writeFileSync(file, 'limits: { clients: many }\nmod: x\n');
  bouncer.signal('SIGHUP');
  const refused = await bouncer.line('Cannot reload');
  t.match(refused, { level: 'error', problems: [/b\.yaml:2:1: /, /b\.yaml:1:20: /] });
  writeFileSync(file, SMALL.replace('100', '1000000'));
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('Cannot reload'), { problems: [/^Cannot hold \d+ open files/] });
  writeFileSync(file, SMALL);
  writeFileSync(join(dir, 'password'), 'second\n');
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('configuration reloaded'), {
    changed: ['log.level', 'FAKTORY_PASSWORD'],
  });
  const old = await RawClient.connect({ port, password: 'first' });
  t.match(old.helloReply, { kind: 'error', text: /Invalid password/ });
  t.same(await client.command(pushLine().line), ok, 'a client that was there stays');
  bouncer.signal('SIGTERM');
  t.equal(await bouncer.ended(), 0);
});

t.test('a configuration that is gone is refused, and one that is back is read', async (t) => {
  const { file, bouncer } = await program(t, SMALL);
  renameSync(file, `${file}.gone`);
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('Cannot reload'), { problems: [/there is no such file/] });
  renameSync(`${file}.gone`, file);
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('configuration reloaded'), { changed: [], needRestart: [] });
});

t.test(
  'a configuration that has been emptied is refused, and the rules stay in force',
  async (t) => {
    const { file, bouncer, port } = await program(t, `${SMALL}guard: { flush: block }\n`);
    for (const emptied of ['', '\n']) {
      writeFileSync(file, emptied);
      bouncer.signal('SIGHUP');
      t.match(await bouncer.line('Cannot reload'), { problems: [/b\.yaml:1:1: .*an empty file/] });
    }
    const client = await RawClient.connect({ port, password: 'first' });
    t.teardown(() => client.reset());
    t.match(await client.command('FLUSH'), { kind: 'error', text: /guard\.flush/ });
  },
);

/** The line that tells of a reload; `change` is made until one is: the watch begins with what it finds. */
async function reloadedAlone(
  told: Promise<Record<string, unknown>>,
  change: () => void,
): Promise<Record<string, unknown>> {
  change();
  const changing = setInterval(change, CHANGED_EVERY_MS);
  return told.finally(() => clearInterval(changing));
}

t.test('reload_on_change reloads when the file changes, without a signal', async (t) => {
  const on = `${SMALL}reload_on_change: true\n`;
  const { file, bouncer } = await program(t, SMALL);
  writeFileSync(file, on);
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('configuration reloaded'), { changed: ['reload_on_change'] });
  let delays = 0;
  const { changed } = await reloadedAlone(bouncer.line('configuration reloaded'), () => {
    writeFileSync(`${file}.new`, `${on}refusal_delay: ${(delays += 1)}ms\n`);
    renameSync(`${file}.new`, file);
  });
  t.strictSame(changed, ['refusal_delay']);
});

t.test('a file that only the reloaded configuration names is watched too', async (t) => {
  const { dir, file, bouncer } = await program(t, `${SMALL}reload_on_change: true\n`);
  const named = join(dir, 'previous');
  writeFileSync(named, 'one\n');
  const naming = `${SMALL}reload_on_change: true\nlisten: { previous_password_file: ${named} }\n`;
  writeFileSync(file, naming);
  bouncer.signal('SIGHUP');
  t.match(await bouncer.line('configuration reloaded'), {
    changed: ['listen.previous_password_file'],
  });
  let passwords = 0;
  const told = bouncer.line('"changed":["listen.previous_password_file"]');
  const reloaded = await reloadedAlone(told, () =>
    writeFileSync(named, `another ${(passwords += 1)}\n`),
  );
  t.match(reloaded, { needRestart: [] });
});
