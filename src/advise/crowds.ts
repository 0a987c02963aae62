// Clients by the process or the address that they belong to, to find those that leak connections. Pure.
//
// Where it was watched, a connection does nothing if it was there all the time, and has sent nothing. At one
// look, it does nothing if it is a minute old or older and has sent less than a command a minute since it
// connected. Either way, no command is outstanding. A consumer sends a FETCH every 2 s, so its connections
// are not among them, except while a job runs.

import type { Client } from '../admin/schemas.ts';
import type { Crowd } from './facts.ts';

/** From which age on a connection can be one that does nothing. */
const OLD_SECONDS = 60;

interface Gathered {
  readonly first: Client;
  readonly kind: Crowd['kind'];
  readonly name: string;
  connections: number;
  fetching: number;
  idle: number;
  idleCommands: number;
  oldestIdleSeconds: number;
}

/**
 * The crowds of `now`, largest first; `before`: the same bouncer's clients when the watch began, null where
 * there was none.
 */
export function crowdsOf(
  now: readonly Client[],
  before: readonly Client[] | null,
): readonly Crowd[] {
  const commandsBefore = new Map(before?.map(({ id, commands }) => [id, commands]));
  const sizesBefore = new Map<string, number>();
  for (const client of before ?? []) {
    sizesBefore.set(keyOf(client), (sizesBefore.get(keyOf(client)) ?? 0) + 1);
  }
  const crowds = new Map<string, Gathered>();
  for (const client of now) {
    if (client.role === 'unknown') continue;
    const key = keyOf(client);
    const crowd = crowds.get(key) ?? emptyCrowd(client);
    crowds.set(key, crowd);
    crowd.connections += 1;
    if (client.outstanding?.verb === 'FETCH') crowd.fetching += 1;
    const isIdle =
      before === null ? isOldAndIdle(client) : client.commands === commandsBefore.get(client.id);
    if (!isIdle || client.state !== 'open' || client.outstanding !== null) continue;
    crowd.idle += 1;
    crowd.idleCommands += client.commands;
    crowd.oldestIdleSeconds = Math.max(crowd.oldestIdleSeconds, client.connected_seconds);
  }
  return [...crowds]
    .map(([key, { first, ...crowd }]) => ({
      ...crowd,
      whereabouts: whereaboutsOf(first),
      grown: before === null ? null : crowd.connections - (sizesBefore.get(key) ?? 0),
    }))
    .toSorted(
      (one, other) => other.connections - one.connections || (one.name < other.name ? -1 : 1),
    );
}

function keyOf({ wid, address }: Client): string {
  return wid === '' ? `address ${address}` : `worker ${wid}`;
}

function emptyCrowd(first: Client): Gathered {
  const { wid, address } = first;
  return {
    first,
    kind: wid === '' ? 'address' : 'worker',
    name: wid === '' ? address : wid,
    connections: 0,
    fetching: 0,
    idle: 0,
    idleCommands: 0,
    oldestIdleSeconds: 0,
  };
}

function isOldAndIdle({ connected_seconds: age, commands }: Client): boolean {
  return age >= OLD_SECONDS && commands * OLD_SECONDS < Math.max(age, 2 * OLD_SECONDS);
}

function whereaboutsOf({ wid, address, host, pid, labels }: Client): string {
  if (wid === '') return address;
  const process = [host, pid === 0 ? '' : `pid ${pid}`, labels.join(',')].filter((s) => s !== '');
  return [address, ...process].join(', ');
}
