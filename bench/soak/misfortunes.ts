// What happens in a soak, each by its name. Promise: each ends by itself, and leaves Faktory, its Redis and the
// networks as they were.

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { askRedis } from '../../test/support/redis.ts';
import type { Weather } from '../../test/faults/support/bad-network.ts';
import { whileStopped } from '../harness/signals.ts';
import { type Arena, PRODUCERS, WORKERS } from './arena.ts';

/** In [0, 1). */
export type Random = () => number;

type Misfortune = (arena: Arena, random: Random) => Promise<void>;

const SILENT_CLIENTS = 200;

export const MISFORTUNES: Readonly<Record<string, Misfortune>> = {
  'a reload': async ({ bouncer }, random) => {
    const outcome = await bouncer.reload({
      'limits.fetches_in_flight': 50 + Math.floor(random() * 100),
      'pool.linger': '1s',
    });
    if (outcome === 'refused') throw new Error('A reload that is right was refused');
  },
  'a reload of a wrong configuration': async ({ bouncer }) => {
    const outcome = await bouncer.reload({ 'limits.clients': 0 });
    if (outcome !== 'refused') throw new Error(`A reload that is wrong was ${outcome}`);
  },
  'Faktory is killed': async (arena) => {
    arena.diedWithFaktory += WORKERS;
    await arena.faktory.kill();
    await arena.faktory.startAgain();
  },
  'Faktory is terminated': async ({ faktory }) => {
    await faktory.terminate();
    await faktory.startAgain();
  },
  'Faktory stands still for 3 s': ({ faktory }) => whileStopped(faktory.pid, () => sleep(3000)),
  'Faktory stands still for 20 s': ({ faktory }) => whileStopped(faktory.pid, () => sleep(20_000)),
  'Redis stands still for 5 s': async (arena) => {
    arena.repeated += PRODUCERS;
    await whileStopped(await arena.faktory.redisPid(), () => sleep(5000));
    await arena.writesAre(true);
  },
  'Redis refuses writes': async (arena) => {
    const { redisSocket } = arena.faktory;
    const known = arena.unknowing();
    await askRedis(redisSocket, 'CONFIG', 'SET', 'maxmemory', '1');
    await arena.writesAre(false);
    // Answers that were on their way.
    await sleep(1000);
    known();
    await askRedis(redisSocket, 'CONFIG', 'SET', 'maxmemory', '0');
    await arena.writesAre(true);
  },
  'connections are cut': async ({ front, back }, random) => {
    (random() < 0.5 ? front : back).cut(random() < 0.5 ? 'fin' : 'reset');
  },
  'replies are cut in the middle': async ({ front, back }, random) => {
    (random() < 0.5 ? front : back).cutReplies(20);
  },
  'connections to Faktory are lost without a sign': async ({ back }) => back.loseAll(),
  'nothing passes for 4 s': (arena, random) => weather(arena, random, { kind: 'silence' }, 4000),
  'a slow network': (arena, random) =>
    weather(arena, random, { kind: 'delay', delayMs: 20 + random() * 100 }, 5000),
  'a narrow network': (arena, random) =>
    weather(arena, random, { kind: 'throttle', bytesPerSecond: 4000 }, 5000),
  'single bytes': (arena, random) => weather(arena, random, { kind: 'split' }, 5000),
  'the bouncer stands still for 2 s': ({ bouncer }) => whileStopped(bouncer.pid, () => sleep(2000)),
  'a crowd that says nothing': async ({ bouncer }) => {
    const sockets = Array.from({ length: SILENT_CLIENTS }, () => {
      const socket = connect({ host: '127.0.0.1', port: bouncer.port });
      return socket.on('error', () => {});
    });
    await sleep(2500);
    for (const socket of sockets) socket.destroy();
  },
};

async function weather(
  { front, back }: Arena,
  random: Random,
  become: Weather,
  ms: number,
): Promise<void> {
  const network = random() < 0.5 ? front : back;
  network.become(become);
  await sleep(ms);
  network.become({ kind: 'fair' });
}
