// What stands between clients and Faktory, as the benchmark sees it, and how each is started.

import type { Address } from '../load/connection.ts';
import type { FrontName } from '../compare/loads.ts';
import { SESSION_SERVER_CONNECTIONS } from '../compare/loads.ts';
import { familyOf } from '../compare/processes.ts';
import { BouncerProcess, builtProgram } from '../bouncer-process.ts';
import { startHaproxy } from './haproxy.ts';
import { startNginx } from './nginx.ts';

export interface Front {
  readonly name: FrontName;
  readonly address: Address;
  /** Its processes; none where nothing stands in between. */
  readonly pids: readonly number[];
  stop(): Promise<void>;
}

/** Starts one in front of the Faktory at `server`; resolves when it takes clients. */
export async function startFront(name: FrontName, server: Address): Promise<Front> {
  switch (name) {
    case 'direct':
      return { name, address: server, pids: [], stop: async () => undefined };
    case 'haproxy':
      return startHaproxy(server);
    case 'nginx':
      return startNginx(server);
    case 'session':
      return startBouncer(name, server, {
        limits: { server_connections: SESSION_SERVER_CONNECTIONS },
      });
    case 'pooled':
      return startBouncer(name, server, {});
  }
}

async function startBouncer(
  name: 'session' | 'pooled',
  server: Address,
  keys: Readonly<Record<string, unknown>>,
): Promise<Front> {
  const bouncer = await BouncerProcess.start(server, { mode: name, ...keys }, builtProgram());
  const { address, pid } = bouncer;
  return { name, address, pids: familyOf(pid), stop: () => bouncer.stop() };
}
