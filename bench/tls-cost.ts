// `npm run tls-cost`: what TLS with clients costs, as CPU time of the proxy for a command, as one table. Run it on a
// quiet machine: the load average stands beside the figures.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { spreadOf } from './harness/figures.ts';
import { buildBouncer, startBouncer, THIS_CHECKOUT } from './harness/fronts.ts';
import { markdownTable } from './harness/markdown-table.ts';
import { haproxyPlan, haproxyVersion } from './harness/peers.ts';
import { statusOf } from './harness/processes.ts';
import { progress, runProgram } from './harness/program.ts';
import { type Address, Proxy } from './harness/proxy.ts';
import { logIn, push, startAnswerer } from './tls-cost/push-load.ts';
import {
  parseTlsCostOptions,
  TLS_COST_HELP,
  type TlsCostOptions,
  type TlsFront,
} from './tls-cost/tls-cost-options.ts';

const HEAD = ['in front', 'plain, µs', 'TLS, µs', 'TLS to plain'];

interface Certificate {
  readonly certificate: string;
  readonly key: string;
  /** Both in one file, as HAProxy wants them. */
  readonly both: string;
}

runProgram(async () => {
  const options = parseTlsCostOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(TLS_COST_HELP);
    return 0;
  }
  progress('building the bouncer');
  buildBouncer(THIS_CHECKOUT);
  const folder = mkdtempSync(join(tmpdir(), 'tls-cost-'));
  try {
    const certificate = makeCertificate(folder);
    const faktory = await startAnswerer();
    const rows: string[][] = [];
    for (const front of options.fronts) {
      if (front === 'haproxy' && haproxyVersion() === undefined) continue;
      rows.push(await rowOf(front, options, faktory, certificate));
    }
    const load = `load average ${loadavg()[0]?.toFixed(1)}`;
    process.stdout.write(`${load}\n\n${markdownTable(HEAD, rows)}`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function makeCertificate(folder: string): Certificate {
  const certificate = join(folder, 'c.pem');
  const key = join(folder, 'k.pem');
  const both = join(folder, 'both.pem');
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost';
  const paths = ['-keyout', key, '-out', certificate];
  execFileSync('openssl', [...words.split(' '), ...paths], { stdio: 'pipe' });
  writeFileSync(both, [readFileSync(certificate), readFileSync(key)].join(''), { mode: 0o600 });
  return { certificate, key, both };
}

async function rowOf(
  front: TlsFront,
  options: TlsCostOptions,
  faktory: Address,
  certificate: Certificate,
): Promise<string[]> {
  const plain: number[] = [];
  const secure: number[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    progress(`${front}, round ${round} of ${options.rounds}`);
    plain.push(await measure(await start(front, faktory, null), options, null));
    const proxy = await start(front, faktory, certificate);
    secure.push(await measure(proxy, options, certificate.certificate));
  }
  const [without, withTls] = [median(plain), median(secure)];
  const ratio = `${(withTls / without).toFixed(2)} x`;
  return [front, without.toFixed(1), withTls.toFixed(1), ratio];
}

function start(front: TlsFront, faktory: Address, files: Certificate | null): Promise<Proxy> {
  if (front === 'haproxy') return Proxy.start(haproxyPlan(faktory, files?.both ?? null));
  return startBouncer(faktory, join(THIS_CHECKOUT, 'dist', 'main.js'), {
    mode: front,
    log: { level: 'warn' },
    server: { info_interval: '0s' },
    // The answerer knows no PUSHB, and no probe of writes.
    pool: { bulk_push: false },
    writes: { probe_interval: '0s', hang: 'off' },
    ...(files !== null && {
      listen: { tls: { certificate: files.certificate, key: files.key } },
    }),
  });
}

/** CPU time of one command, µs. */
async function measure(
  proxy: Proxy,
  { clients, commands }: TlsCostOptions,
  caFile: string | null,
): Promise<number> {
  try {
    const sockets = [];
    while (sockets.length < clients) sockets.push(await logIn(proxy.address, caFile));
    const before = cpuSecondsOf(proxy.pids);
    await Promise.all(sockets.map((socket) => push(socket, commands)));
    const seconds = cpuSecondsOf(proxy.pids) - before;
    for (const socket of sockets) socket.destroy();
    return (seconds * 1e6) / (clients * commands);
  } finally {
    await proxy.stop();
  }
}

function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((seconds, pid) => seconds + (statusOf(pid)?.cpuSeconds ?? 0), 0);
}

function median(values: readonly number[]): number {
  return spreadOf(values)?.median ?? Number.NaN;
}
