// What TLS with clients costs: the bouncer's CPU time for a command, plain and with TLS, in turns. Linux
// only. Run it on a quiet machine: the load average stands beside the figures.

import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { spreadOf } from './harness/figures.ts';
import { buildBouncer, startBouncer, THIS_CHECKOUT } from './harness/fronts.ts';
import type { Settings } from './harness/arguments.ts';
import type { Address } from './harness/proxy.ts';

const CLIENTS = 100;
const COMMANDS_PER_CLIENT = 1000;
const ROUNDS = 5;
/** The kernel counts CPU time in ticks of this length. */
const TICK_US = 10_000;
const LINE = `PUSH {"jid":"abcdefghijk1","jobtype":"t","args":["${'x'.repeat(200)}"],"queue":"q"}\r\n`;

/** As `listen.tls` names them. */
interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

function makeCertificate(folder: string): Certificate {
  const files = { certificate: join(folder, 'c.pem'), key: join(folder, 'k.pem') };
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost';
  const paths = ['-keyout', files.key, '-out', files.certificate];
  execFileSync('openssl', [...words.split(' '), ...paths], { stdio: 'pipe' });
  return files;
}

/** Answers +OK to each line. */
async function startAnswerer(): Promise<Address> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {});
    socket.write('+HI {"v":2}\r\n');
    socket.on('data', (bytes) => {
      let lines = 0;
      for (const byte of bytes) if (byte === 10) lines += 1;
      socket.write('+OK\r\n'.repeat(lines));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  server.unref();
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

function settingsOf(mode: string, tls: Certificate | null): Settings {
  return {
    mode,
    log: { level: 'warn' },
    server: { info_interval: '0s' },
    pool: { bulk_push: false },
    writes: { probe_interval: '0s', hang: 'off' },
    ...(tls !== null && { listen: { tls } }),
  };
}

/** A client that is logged in. */
async function logIn(port: number, tls: Certificate | null): Promise<Socket> {
  const raw = connect({ host: '127.0.0.1', port, noDelay: true });
  await once(raw, 'connect');
  const ca = tls === null ? null : readFileSync(tls.certificate);
  const socket = ca === null ? raw : tlsConnect({ socket: raw, ca, servername: 'localhost' });
  await once(socket, 'data');
  socket.write('HELLO {"v":2}\r\n');
  await once(socket, 'data');
  return socket;
}

/** Sends one command after another, each when the one before is answered. */
function push(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = COMMANDS_PER_CLIENT;
    socket.on('error', reject);
    socket.on('data', () => {
      left -= 1;
      if (left === 0) resolve();
      else socket.write(LINE);
    });
    socket.write(LINE);
  });
}

function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** CPU time of one command, µs. */
async function measure(faktory: Address, mode: string, tls: Certificate | null): Promise<number> {
  const program = join(THIS_CHECKOUT, 'dist', 'main.js');
  const bouncer = await startBouncer(faktory, program, settingsOf(mode, tls));
  const [pid = 0] = bouncer.pids;
  try {
    const clients: Socket[] = [];
    while (clients.length < CLIENTS) clients.push(await logIn(bouncer.address.port, tls));
    const before = cpuTicks(pid);
    await Promise.all(clients.map(push));
    const ticks = cpuTicks(pid) - before;
    for (const client of clients) client.destroy();
    return (ticks * TICK_US) / (CLIENTS * COMMANDS_PER_CLIENT);
  } finally {
    await bouncer.stop();
  }
}

function median(values: readonly number[]): number {
  return spreadOf(values)?.median ?? Number.NaN;
}

buildBouncer(THIS_CHECKOUT);
const folder = mkdtempSync(join(tmpdir(), 'tls-cost-'));
try {
  const certificate = makeCertificate(folder);
  const faktory = await startAnswerer();
  for (const mode of ['session', 'pooled']) {
    const plain: number[] = [];
    const secure: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      plain.push(await measure(faktory, mode, null));
      secure.push(await measure(faktory, mode, certificate));
    }
    const ratio = median(secure) / median(plain);
    console.log(
      `${mode}: plain ${median(plain).toFixed(1)} µs, TLS ${median(secure).toFixed(1)} µs a command, ratio ${ratio.toFixed(2)}; load average ${loadavg()[0]?.toFixed(1)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
