// The command line as a process: what it prints where, and its exit codes.

import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const ROOT = new URL('../', import.meta.url);
const dir = t.testdir();

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const env = { PATH: process.env['PATH'], ...environment };
  return spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function ended(child: ChildProcess): Promise<Ended> {
  let out = '';
  let err = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  const [code] = await once(child, 'close');
  return { code, out, err };
}

function main(args: readonly string[], environment?: Record<string, string>): Promise<Ended> {
  return ended(start([MAIN, ...args], environment));
}

function file(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

t.test('--help, -h and --version print to stdout and exit with 0', async (t) => {
  const [help, short, version] = await Promise.all([
    main(['--help']),
    main(['-h']),
    main(['--version']),
  ]);
  t.match(help, { code: 0, err: '', out: /^Usage:/ });
  t.equal(short.out, help.out);
  t.match(await main(['top', '--help']), { code: 0, err: '', out: /^Usage: faktory-bouncer top / });
  const { version: expected }: { version: string } = JSON.parse(
    readFileSync(new URL('package.json', ROOT), 'utf8'),
  );
  t.strictSame(version, { code: 0, out: `${expected}\n`, err: '' });
});

t.test('wrong usage exits with 2, says why, and repeats no password', async (t) => {
  for (const [args, reason] of [
    [['--nope'], /Unknown option '--nope'.*--help\.$/m],
    [['--listen'], /argument missing/],
    [['serve'], /the commands are check, top, advise, completion/],
    [['--once'], /without top/],
    [['--for', '5s'], /without advise/],
    [['top', '--since', '5d'], /without advise/],
    [['advise', 'a', 'b'], /it takes one URL/],
    [['advise', '--once'], /it takes one URL/],
    [['advise', '--since', '5d'], /--since without --prometheus/],
    [['advise', '--for', 'long'], /this time with --for: write 60s/],
    [['advise', '--prometheus', 'http://h:1', '--since', '93d'], /this time with --since/],
    [['advise', '--prometheus', 'http://h:1', '--for', '5s'], /Cannot watch a Prometheus/],
    [['advise', '--prometheus', 'http://:s3cret@h:1'], /Cannot use --prometheus/],
    [['advise', 'http://:s3cret@h:1'], /Cannot take a password in the URL/],
    [['top', 'x'], /it takes --url, --once and --json/],
    [['top', '--mode', 'pooled'], /it takes --url, --once and --json/],
    [['top', '--url', 'http://:s3cret@h:1'], /Cannot take a password in the URL/],
    [['check'], /without a file/],
    [['check', 'a', 'b'], /more than one file/],
    [['check', 'a', '-c', 'b'], /--config with check/],
    [['--server', 'tcp://:s3cret@h:1'], /FAKTORY_PASSWORD/],
    [['--server', 'tcp://:s3cret@h'], /FAKTORY_PASSWORD/],
    [['--mode', 'x'], /^command line --mode: Cannot use mode: found "x"; /],
    [
      ['-c', '/no/such/file'],
      /Cannot read the configuration \/no\/such\/file: there is no such file/,
    ],
    [['-c', dir], /it is a directory \(EISDIR\)/],
  ] as const) {
    const { code, out, err } = await main(args);
    t.equal(code, 2, args.join(' '));
    t.equal(out, '');
    t.match(err, reason, args.join(' '));
    t.notMatch(err, /s3cret/);
  }
});

t.test('check prints the effective configuration, or every problem', async (t) => {
  const good = file(
    'good.yaml',
    'server: { url: "tcp://:s3cret@h:1" }\nlimits: { clients: 999999 }\n',
  );
  const environment = { FAKTORY_BOUNCER_MODE: 'pooled', FAKTORY_BOUNCER_MOD: 'x' };
  const accepted = await main(['check', good], environment);
  t.equal(accepted.code, 0, 'the open files are not checked');
  t.match(accepted.out, /^ {2}url: tcp:\/\/:\*\*\*\*@h:1$/m);
  t.match(accepted.out, /^mode: pooled$/m);
  t.match(accepted.err, /^Warning: .*FAKTORY_BOUNCER_MOD .*Did you mean FAKTORY_BOUNCER_MODE\?$/m);
  const bad = file('bad.yaml', 'mode: x\nlimits: { clients: 0 }\n');
  const refused = await main(['check', bad]);
  t.match(refused, { code: 2, out: '' });
  const lines = refused.err.trimEnd().split('\n');
  t.equal(lines.length, 2);
  t.ok(lines[0]?.startsWith(`${bad}:1:7: `));
  t.ok(lines[1]?.startsWith(`${bad}:2:20: `));
});

t.test('FAKTORY_BOUNCER_CONFIG names the file, --config overrules it', async (t) => {
  const bad = file('env.yaml', 'mode: from-env\n');
  const other = file('flag.yaml', 'mode: from-flag\n');
  const byVariable = await main([], { FAKTORY_BOUNCER_CONFIG: bad });
  t.match(byVariable, { code: 2, err: /env\.yaml:1:7: .*"from-env"/ });
  const byFlag = await main(['-c', other], { FAKTORY_BOUNCER_CONFIG: bad });
  t.match(byFlag, { code: 2, err: /flag\.yaml:1:7: .*"from-flag"/ });
});

t.test('an old Node is told, and nothing else is tried', async (t) => {
  for (const [version, isOld] of [
    ['20.19.0', true],
    ['24.11.9', true],
    ['24.12.0', false],
    ['25.0.0', false],
  ] as const) {
    const code = `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`;
    const preload = `data:text/javascript,${encodeURIComponent(code)}`;
    const { code: exitCode, err } = await ended(start(['--import', preload, MAIN, '--help']));
    t.equal(exitCode, isOld ? 2 : 0, version);
    if (isOld) t.match(err, `Cannot run on Node ${version}: faktory-bouncer needs Node 24.12`);
  }
});

const onLinux = { skip: process.platform === 'linux' ? false : 'only Linux says how many' };

t.test(
  'more connections than open files is refused at start, with both numbers',
  onLinux,
  async (t) => {
    const { code, err } = await main([], { FAKTORY_BOUNCER_LIMITS_CLIENTS: '1000000' });
    t.equal(code, 2);
    t.match(err, /^Cannot hold 1002028 open files .*ulimit -n 1002028/);
  },
);

const SMALL = {
  FAKTORY_BOUNCER_LIMITS_CLIENTS: '100',
  FAKTORY_BOUNCER_LIMITS_SERVER_CONNECTIONS: '100',
  FAKTORY_BOUNCER_SERVER_URL: 'tcp://127.0.0.1:1',
  FAKTORY_BOUNCER_LISTEN_ADDRESS: '127.0.0.1:0',
  FAKTORY_BOUNCER_ADMIN_ADDRESS: '127.0.0.1:0',
};

t.test('a taken port is named, with the option that changes it, and exits with 1', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const bound = other.address();
  const taken = `127.0.0.1:${typeof bound === 'object' ? bound?.port : ''}`;
  const words = `Cannot listen on ${taken}: the port is in use (EADDRINUSE). Stop the other process or choose another address with`;
  const client = await main(['--listen', taken], SMALL);
  t.match(client, { code: 1, err: `${words} --listen.\n` });
  const admin = await main([], { ...SMALL, FAKTORY_BOUNCER_ADMIN_ADDRESS: taken });
  t.match(admin, {
    code: 1,
    err: `Cannot listen on admin.address ${taken}: the port is in use (EADDRINUSE). Stop the other process or choose another address.\n`,
  });
});

t.test('it logs where it listens; SIGTERM, SIGINT and SIGQUIT stop it with 0', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
    const child = start([MAIN], SMALL);
    const end = ended(child);
    t.teardown(() => child.kill('SIGKILL'));
    const line = await lineWith(child, '"listening"');
    t.match(line, /"listen":"127\.0\.0\.1:\d+"/);
    t.match(line, /"admin":"127\.0\.0\.1:\d+"/);
    t.match(line, /"mode":"session"/);
    t.match(line, /"version":"/);
    child.kill(signal);
    t.equal((await end).code, 0, signal);
  }
});

t.test('a file that has become a pipe is named by a reload, which does not wait', async (t) => {
  const path = file('previous', 'an old password');
  const child = start([MAIN], {
    ...SMALL,
    FAKTORY_PASSWORD: 'a password',
    FAKTORY_BOUNCER_LISTEN_PREVIOUS_PASSWORD_FILE: path,
  });
  const end = ended(child);
  t.teardown(() => child.kill('SIGKILL'));
  await lineWith(child, '"listening"');
  rmSync(path);
  t.equal(spawnSync('mkfifo', [path]).status, 0);
  const told = lineWith(child, 'Cannot reload');
  child.kill('SIGHUP');
  t.match(
    await told,
    /previous_password_file: the file cannot be read \(it is a pipe, and only a regular/,
  );
  child.kill('SIGTERM');
  t.equal((await end).code, 0);
});

t.test('signals sent by habit stop nothing and open no debugger', async (t) => {
  const child = start([MAIN], SMALL);
  const end = ended(child);
  t.teardown(() => child.kill('SIGKILL'));
  await lineWith(child, '"listening"');
  for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) {
    const told = lineWith(child, `"signal":"${signal}"`);
    child.kill(signal);
    t.match(await told, /signal ignored/);
  }
  child.kill('SIGTERM');
  const { code, err } = await end;
  t.equal(code, 0);
  t.notMatch(err, /Debugger/);
});

t.test('a second signal stops a bouncer that waits for a command at once, with 1', async (t) => {
  const commands = new EventEmitter();
  const faktory = createServer((socket) => {
    socket.on('error', () => {});
    socket.write('+HI {"v":2}\r\n');
    socket.once('data', () => socket.write('+OK\r\n'));
    socket.on('data', (bytes) => commands.emit(bytes.toString('latin1', 0, 5)));
  }).listen(0, '127.0.0.1');
  await once(faktory, 'listening');
  const bound = faktory.address();
  const port = typeof bound === 'object' ? bound?.port : 0;
  const child = start([MAIN], { ...SMALL, FAKTORY_BOUNCER_SERVER_URL: `tcp://127.0.0.1:${port}` });
  const end = ended(child);
  const listen = /"listen":"127\.0\.0\.1:(\d+)"/.exec(await lineWith(child, '"listening"'));
  const client = connect(Number(listen?.[1]), '127.0.0.1');
  client.on('error', () => {});
  t.teardown(() => {
    child.kill('SIGKILL');
    client.destroy();
    faktory.close();
  });
  await once(client, 'data');
  client.write('HELLO {"v":2,"wid":"w"}\r\n');
  await once(client, 'data');
  const arrived = once(commands, 'FETCH');
  client.write('FETCH default\r\n');
  await arrived;
  child.kill('SIGTERM');
  await lineWith(child, '"draining"');
  child.kill('SIGTERM');
  t.equal((await end).code, 1);
});

/** The first line on stdout that holds `part`; the end of the process is a failure. */
function lineWith(child: ChildProcess, part: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout?.on('data', (more: string) => {
      text += more;
      const line = text.split('\n').find((candidate) => candidate.includes(part));
      if (line !== undefined) resolve(line);
    });
    child.once('close', () => reject(new Error(`It ended before it said ${part}: ${text}`)));
  });
}
