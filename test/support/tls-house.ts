// TLS on both sides of a bouncer, for tests that also run over TLS: with OVER_TLS=1 in the environment
// openHouse() uses it. One CA and one certificate serve a test file.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectionOptions, createServer, type TlsOptions } from 'node:tls';
import t, { type Test } from 'tap';
import type { Overrides } from './bouncer.ts';
import { type PairFiles, TestCa } from './certificates.ts';

/** Whether this process runs its tests over TLS. */
export const OVER_TLS = process.env['OVER_TLS'] === '1';

export interface TlsHouse {
  readonly overrides: Overrides;
  /** What clients connect with. */
  readonly client: ConnectionOptions;
}

interface Files {
  readonly ca: TestCa;
  readonly pair: PairFiles;
}

let files: Files | null = null;

function filesOfProcess(): Files {
  if (files !== null) return files;
  const folder = mkdtempSync(join(tmpdir(), 'over-tls-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const ca = new TestCa(folder);
  files = { ca, pair: ca.issue() };
  return files;
}

/** What a bouncer needs to speak TLS with its clients and with the Faktory on `port`. */
export async function tlsHouse(t: Test, port: number): Promise<TlsHouse> {
  const { ca, pair } = filesOfProcess();
  const terminated = await terminate(t, port, pair);
  return {
    overrides: {
      'listen.tls.certificate': pair.certificate,
      'listen.tls.key': pair.key,
      'server.url': `tcp+tls://localhost:${terminated}`,
      'server.tls.ca': ca.file,
    },
    client: { ca: ca.pem, servername: 'localhost' },
  };
}

/** A TLS server in front of `port`, which passes on a close as a close and a reset as a reset; its port. */
export async function terminate(
  t: Test,
  port: number,
  pair: PairFiles,
  more: TlsOptions = {},
): Promise<number> {
  const keys = { cert: readFileSync(pair.certificate), key: readFileSync(pair.key) };
  const server = createServer({ ...keys, ...more, allowHalfOpen: true }, (socket) => {
    const onward = connect({ host: '127.0.0.1', port, allowHalfOpen: true, noDelay: true });
    for (const [from, to] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroySoon());
      from.pipe(to);
    }
  });
  server.on('connection', (socket) => socket.setNoDelay(true));
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port: own } = server.address() as AddressInfo;
  return own;
}
