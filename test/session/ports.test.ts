// Who closes first keeps the port: with a connection for each PUSH the bouncer's machine would run out.

import { readFileSync } from 'node:fs';
import t from 'tap';
import { ok } from '../support/reply.ts';
import { until } from '../support/waiting.ts';
import { openHouse, pushLine } from './house.ts';

const TIME_WAIT = '06';
const CLIENTS = 20;

/** The other ends of connections in TIME_WAIT with `port` at the given end, as Linux tells. */
function inTimeWait(port: number, end: 'local' | 'remote'): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields.flatMap(([, local = '', remote = '', state]) => {
    const [own, other] = end === 'local' ? [local, remote] : [remote, local];
    return state === TIME_WAIT && own.endsWith(`:${hex}`) ? [other] : [];
  });
}

t.test(
  'clients that connect for each PUSH leave no local port of the bouncer waiting',
  { skip: process.platform !== 'linux' && 'needs /proc/net/tcp' },
  async (t) => {
    for (const leaves of ['reset', 'after its reply'] as const) {
      const { faktory, bouncer } = await openHouse(t);
      for (let n = 0; n < CLIENTS; n += 1) {
        const client = await bouncer.connect();
        if (leaves === 'after its reply') t.same(await client.command(pushLine().line), ok);
        else client.send(`${pushLine().line}\r\n`);
        client.reset();
      }
      await bouncer.metricIs('server_connections_ended_total{reason="client_gone"}', CLIENTS);
      // Linux ends them by and by, and shows some twice, or not, while others come and go.
      const waiting = new Set<string>();
      await until(
        () => {
          for (const peer of inTimeWait(faktory.port, 'local')) waiting.add(peer);
          return waiting.size >= CLIENTS;
        },
        { what: "all to wait at Faktory's end" },
      );
      t.equal(waiting.size, CLIENTS, "all at Faktory's end");
      t.same(inTimeWait(faktory.port, 'remote'), [], 'none at the end of the bouncer');
    }
  },
);
