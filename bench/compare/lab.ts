// The real Faktory and the fronts before it, for one run. Promise: Faktory is empty before each
// measurement and writes no snapshots meanwhile; its queues exist, for it checks the first PUSH to a
// queue and no later one; all fronts stay up through the run.

import { once } from 'node:events';
import { connect } from 'node:net';
import { RawClient } from '../../test/support/raw-client.ts';
import { RealFaktory } from '../../test/support/real-faktory.ts';
import type { CleanUp } from '../clean-up.ts';
import { startFront } from '../fronts/front.ts';
import type { Front } from '../fronts/front.ts';
import { watchGroup } from '../watchdog.ts';
import type { Address } from '../load/connection.ts';
import type { FrontName } from './loads.ts';
import { familyOf } from './processes.ts';

/** As the generator calls them; none is a key of Faktory's own. */
const QUEUES = ['bench-push', 'bench-cycle'];
/** Time for connections that the last clients left behind. */
const REST_MS = 300;

export class Lab {
  readonly faktory: Address;
  readonly faktoryVersion: string;
  readonly faktoryPid: number;
  /** Redis, which Faktory starts. */
  readonly redisPids: readonly number[];
  readonly #cleanUp: CleanUp;
  readonly #fronts = new Map<FrontName, Front>();

  static async open(cleanUp: CleanUp): Promise<Lab> {
    const starting = RealFaktory.start();
    // Known before it is up: Ctrl-C may come in between.
    cleanUp.add(() => starting.then((faktory) => faktory.stop()).catch(() => undefined));
    const faktory = await starting;
    const lab = new Lab(faktory, cleanUp);
    await askRedis(faktory.redisSocket, 'CONFIG SET save ""');
    await lab.#ask(QUEUES.map((queue, index) => pushLine(queue, index)));
    return lab;
  }

  private constructor(faktory: RealFaktory, cleanUp: CleanUp) {
    this.faktory = { host: faktory.host, port: faktory.port };
    this.faktoryVersion = faktory.version;
    this.faktoryPid = faktory.pid ?? 0;
    this.redisPids = familyOf(this.faktoryPid).slice(1);
    this.#cleanUp = cleanUp;
  }

  /** The front of that name, started when it is first asked for. */
  async front(name: FrontName): Promise<Front> {
    const known = this.#fronts.get(name);
    if (known !== undefined) return known;
    const { front } = await this.freshFront(name);
    this.#fronts.set(name, front);
    return front;
  }

  /** One of its own, and how to end it. */
  async freshFront(name: FrontName): Promise<{ front: Front; end: () => Promise<void> }> {
    const starting = startFront(name, this.faktory);
    const end = this.#cleanUp.add(() => starting.then(stop).catch(() => undefined));
    const front = await starting;
    const [leader] = front.pids;
    const endWatch = leader === undefined ? () => undefined : watchGroup(leader);
    return {
      front,
      end: async () => {
        await end();
        endWatch();
      },
    };
  }

  /** Empties Faktory, and lets everything come to rest. */
  async rest(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    await this.#ask(['FLUSH']);
  }

  async #ask(lines: readonly string[]): Promise<void> {
    const client = await RawClient.connect(this.faktory);
    for (const line of lines) {
      const reply = await client.command(line);
      if (reply.kind === 'error') throw new Error(`Cannot prepare Faktory: ${reply.text}`);
    }
    client.end();
    await client.closed;
  }
}

function stop(front: Front): Promise<void> {
  return front.stop();
}

function pushLine(queue: string, index: number): string {
  return `PUSH ${JSON.stringify({ jid: `bench-seed-${index}`, queue, jobtype: 'Bench', args: [] })}`;
}

async function askRedis(path: string, line: string): Promise<void> {
  const socket = connect({ path });
  socket.write(`${line}\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  if (!answer.toString().startsWith('+OK'))
    throw new Error(`Cannot set up Redis: ${answer.toString()}`);
}
