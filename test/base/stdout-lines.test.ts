// Lines to standard output, of the bouncer as a process: whatever stands there, it drains and it ends.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { signal } from '../../bench/harness/signals.ts';
import { STARTS_MS, until } from '../support/waiting.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const LINES = new URL('../../src/base/stdout-lines.ts', import.meta.url).href;
const { O_RDONLY, O_WRONLY, O_NONBLOCK } = constants;
const dir = t.testdir();

interface Running {
  readonly child: ChildProcess;
  /** What /readyz says; empty while nothing answers. */
  readonly readiness: () => Promise<string>;
}

interface Started {
  readonly name: string;
  readonly stdout: number | 'pipe';
  /** A shell's words before the program. */
  readonly before?: string;
  /** For how long a drain waits before it begins. */
  readonly delay: string;
  /** Default: 1. */
  readonly processes?: number;
}

/** Resolves when its admin address answers. */
async function start({
  name,
  delay,
  stdout,
  before = '',
  processes = 1,
}: Started): Promise<Running> {
  const socketPath = join(dir, `${name}.sock`);
  const script = `${before} exec "$@"`;
  const args = ['-c', script, 'sh', process.execPath, '--disable-sigusr1', MAIN];
  const child = spawn('sh', args, {
    env: {
      PATH: process.env['PATH'],
      FAKTORY_BOUNCER_LIMITS_CLIENTS: '100',
      FAKTORY_BOUNCER_LIMITS_SERVER_CONNECTIONS: '100',
      FAKTORY_BOUNCER_SERVER_URL: 'tcp://127.0.0.1:1',
      FAKTORY_BOUNCER_LISTEN_ADDRESS: '127.0.0.1:0',
      FAKTORY_BOUNCER_ADMIN_ADDRESS: socketPath,
      FAKTORY_BOUNCER_DRAIN_DELAY: delay,
      FAKTORY_BOUNCER_PROCESSES: String(processes),
    },
    stdio: ['ignore', stdout, 'ignore'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  const readiness = (): Promise<string> =>
    new Promise((resolve) => {
      const asked = request({ socketPath, path: '/readyz', agent: false }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => (text += more));
        response.on('end', () => resolve(text));
      });
      asked.on('error', () => resolve(''));
      asked.end();
    });
  const answers = async (): Promise<boolean> => (await readiness()) !== '';
  await until(answers, { what: `${name}: the admin address`, withinMs: STARTS_MS });
  return { child, readiness };
}

/** The exit code. */
async function endOf(child: ChildProcess): Promise<number | null> {
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await until(hasEnded, { what: 'the end of the process' });
  return child.exitCode;
}

/** A real pipe, where those of Node's child processes are sockets. */
function pipe(name: string): { reader: number; writer: number; open: () => number } {
  const path = join(dir, `${name}.fifo`);
  spawnSync('mkfifo', [path]);
  const reader = openSync(path, O_RDONLY | O_NONBLOCK);
  return {
    reader,
    writer: openSync(path, O_WRONLY),
    open: () => openSync(path, O_WRONLY | O_NONBLOCK),
  };
}

function fill(writer: number): void {
  const bytes = Buffer.alloc(4096, '\n');
  try {
    for (;;) writeSync(writer, bytes);
  } catch {
    // It is full.
  }
}

/** What stdout can be, by name, and how the process gets it. */
const OUTPUTS: Readonly<Record<string, (name: string, delay: string) => Promise<Running>>> = {
  'a pipe whose reader goes': async (name, delay) => {
    const { reader, writer } = pipe(name);
    const running = await start({ name, delay, stdout: writer });
    closeSync(writer);
    closeSync(reader);
    return running;
  },
  'a pipe that is full': async (name, delay) => {
    const { reader, writer, open } = pipe(name);
    fill(open());
    const running = await start({ name, delay, stdout: writer });
    t.teardown(() => closeSync(reader));
    return running;
  },
  'a socket whose reader goes': async (name, delay) => {
    const running = await start({ name, delay, stdout: 'pipe' });
    running.child.stdout?.destroy();
    return running;
  },
  'a socket that is full': async (name, delay) => {
    // What fills it sleeps then, and is ended by force.
    const before = 'cat /dev/zero & sleep 1; kill -9 $!;';
    return start({ name, delay, stdout: 'pipe', before });
  },
  closed: (name, delay) => start({ name, delay, stdout: 'pipe', before: 'exec >&-;' }),
  'a disk that is full': (name, delay) =>
    start({ name, delay, stdout: openSync('/dev/full', O_WRONLY) }),
};

for (const [index, [what, startWith]] of Object.entries(OUTPUTS).entries()) {
  const options = { skip: process.platform === 'linux' ? false : 'made of what Linux has' };
  t.test(`stdout is ${what}: a signal ends the process with 0`, options, async (t) => {
    const { child } = await startWith(`one${index}`, '0s');
    child.kill('SIGTERM');
    t.equal(await endOf(child), 0);
  });

  t.test(`stdout is ${what}: a second signal ends it with 1`, options, async (t) => {
    const { child, readiness } = await startWith(`two${index}`, '5m');
    child.kill('SIGTERM');
    const isDraining = async (): Promise<boolean> => (await readiness()).includes('draining');
    await until(isDraining, { what: 'the drain' });
    child.kill('SIGTERM');
    t.equal(await endOf(child), 1);
  });
}

/** A process that has written 20,000 lines to `stdout`, which takes less; it ends when it is sent anything. */
async function manyLines(stdout: number): Promise<ChildProcess> {
  const script = `
    const { StdoutLines } = await import(${JSON.stringify(LINES)});
    const lines = new StdoutLines();
    for (let n = 0; n < 20000; n += 1) lines.write('line ' + n + ' of many that are here\\n');
    process.stderr.write('written');
    process.on('message', () => process.exit(0));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', stdout, 'pipe', 'ipc'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  closeSync(stdout);
  if (child.stderr !== null) await once(child.stderr, 'data');
  return child;
}

/** Whether they are all there, in order; what filled a pipe before are empty lines. */
function areManyLines(text: string): boolean {
  const lines = text.split('\n').filter((line) => line !== '');
  return (
    lines.length === 20_000 && lines.every((line, n) => line === `line ${n} of many that are here`)
  );
}

t.test('a reader that was slow gets every line, in order, of a process that goes on', async (t) => {
  const { reader, writer, open } = pipe('slow');
  const filler = open();
  fill(filler);
  closeSync(filler);
  const child = await manyLines(writer);
  let text = '';
  const piece = Buffer.alloc(65536);
  const hasAll = (): boolean => {
    try {
      for (let n = readSync(reader, piece); n > 0; n = readSync(reader, piece)) {
        text += piece.toString('latin1', 0, n);
      }
    } catch {
      // There is nothing yet.
    }
    return text.includes('line 19999 of many that are here\n');
  };
  await until(hasAll, { what: 'the last line' });
  t.ok(areManyLines(text));
  child.send('end');
  t.equal(await endOf(child), 0);
  closeSync(reader);
});

const disk = join(dir, 'disk');
mkdirSync(disk);
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]).status === 0;
t.teardown(() => mounted && spawnSync('umount', ['-l', disk]));
const mayMount = { skip: mounted ? false : 'only root may mount a disk' };

t.test('a disk that was full gets every line when it has room again', mayMount, async (t) => {
  const file = join(disk, 'log');
  const child = await manyLines(openSync(file, 'a'));
  await until(() => statSync(file).size === 65_536, { what: 'a disk that is full' });
  t.equal(spawnSync('mount', ['-o', 'remount,size=8m', disk]).status, 0);
  const text = (): string => readFileSync(file, 'latin1');
  await until(() => text().includes('line 19999 of many that are here\n'), {
    what: 'the last line',
  });
  t.ok(areManyLines(text()));
  child.send('end');
  t.equal(await endOf(child), 0);
});

t.test('one of several processes leaves a socket as it was when it ends', async (t) => {
  // Node's pipe is a socket. In blocking mode, a write to it when it is full would sleep.
  const { child } = await start({ name: 'several', stdout: 'pipe', delay: '0s', processes: 2 });
  const pid = child.pid ?? 0;
  const processes = (): string[] =>
    readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  const isNonBlocking = (): boolean => {
    const [, flags = ''] =
      /^flags:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/1`, 'utf8')) ?? [];
    return (Number.parseInt(flags, 8) & O_NONBLOCK) !== 0;
  };
  const [first = '', second = ''] = processes();
  t.equal(isNonBlocking(), true);
  signal(Number(first), 'SIGTERM');
  await until(() => processes().length === 2 && !processes().includes(first), {
    what: 'its successor',
    withinMs: STARTS_MS,
  });
  t.ok(processes().includes(second));
  t.equal(isNonBlocking(), true);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (more: string) => (text += more));
  const closed = once(child, 'close');
  child.kill('SIGTERM');
  t.same(await closed, [0, null]);
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { process?: number });
  t.same(new Set(lines.map(({ process: number }) => number)), new Set([undefined, 0, 1]));
});
