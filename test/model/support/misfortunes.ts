// What goes wrong, by chance. Promise: a victim is drawn by its state first, so that states which do
// not last are met as often as those that do; each misfortune is counted by name.

import type { FaktoryConnection } from '../../support/faktory-connection.ts';
import type { ModelClient } from '../../support/model-client.ts';
import { possibleStates } from './client-whereabouts.ts';
import { type Hazard, redrawn } from './plan.ts';
import type { Scene } from './scene.ts';
import { armSink } from './sinks.ts';

const CLIENT_ENDS = ['fin', 'rst', 'close', 'END'] as const;
const SERVER_LOSSES = ['rst', 'fin', 'half-close', 'silence'] as const;
const FAKTORY_LOSSES = ['die', 'shutdown', 'hang'] as const;
/** Shorter in all than write_stall_timeout, which no client is to meet. */
const CLOCK_MOVES = { mostMs: 180_000, most: 10 };

export class Misfortunes {
  readonly #scene: Scene;
  readonly #kinds: readonly Hazard[];
  readonly #silent = new Set<FaktoryConnection>();
  #clockMoves = 0;

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#kinds = [...scene.plan.kinds].filter((kind) => kind !== 'drain');
  }

  /** One of those that may happen. */
  async strike(): Promise<void> {
    const kind = this.#scene.dice.pick(this.#kinds);
    switch (kind) {
      case 'client':
        this.#clientEnds();
        return;
      case 'server':
        this.#serverIsLost();
        return;
      case 'redis':
        await this.#redisFails();
        return;
      case 'clock':
        this.#clockMoves += 1;
        if (this.#clockMoves <= CLOCK_MOVES.most) await this.#clockMove();
        return;
      case 'limits':
        this.#limitsMove();
        return;
      case 'sink':
        armSink(this.#scene);
        return;
      case 'drain':
      case undefined:
    }
  }

  /** From now on all is well, but for what is lost. */
  end(): void {
    const { faktory } = this.#scene.house;
    faktory.start();
    faktory.commands.redis.enter('well');
    for (const connection of this.#silent) faktory.speakAgain(connection);
    this.#silent.clear();
  }

  /** A client leaves, in one of the ways in which clients do. */
  leave(client: ModelClient, how: (typeof CLIENT_ENDS)[number]): void {
    if (client.hasEnded && how === 'fin') return;
    switch (how) {
      case 'fin':
        client.end();
        break;
      case 'rst':
        client.reset();
        break;
      case 'close':
        client.close();
        break;
      case 'END':
        if (client.isReady) client.sayEnd();
    }
    this.#scene.hurry(client.socket.peer);
  }

  #clientEnds(): void {
    const { clients, house, dice } = this.#scene;
    const here = [...clients].filter((client) => !client.isGone && !this.#scene.isOver(client));
    const whereabouts = (client: ModelClient): string => {
      const isFetching = client.outstanding[0]?.verb === 'FETCH';
      return `${possibleStates(client, house).join()} ${isFetching ? 'in FETCH' : ''}`;
    };
    const client = byState(here, whereabouts, dice.random);
    const how = dice.pick(CLIENT_ENDS);
    if (client !== undefined && how !== undefined) this.leave(client, how);
  }

  #serverIsLost(): void {
    const { house, dice, tally } = this.#scene;
    const { faktory } = house;
    if (!faktory.isListening || faktory.isHung) {
      faktory.start();
      return;
    }
    if (dice.chance(0.2)) {
      this.#faktoryIsLost();
      return;
    }
    const connections = [...faktory.connections].filter(({ isSilent }) => !isSilent);
    const stateOf = (one: FaktoryConnection): string => this.#scene.serverState(one);
    const connection = byState(connections, stateOf, dice.random);
    const how = dice.pick(SERVER_LOSSES);
    if (connection === undefined || how === undefined) return;
    const state = this.#scene.serverState(connection);
    switch (how) {
      case 'rst':
        faktory.reset(connection);
        break;
      case 'fin':
        faktory.finish(connection);
        break;
      case 'half-close':
        tally.add(`server half-close: ${state}`);
        faktory.halfClose(connection);
        break;
      case 'silence':
        tally.add(`server silence: ${state}`);
        faktory.silence(connection);
        this.#silent.add(connection);
    }
    this.#scene.hurry(connection.socket.peer);
  }

  #faktoryIsLost(): void {
    const { house, dice, tally } = this.#scene;
    const { faktory } = house;
    const how = dice.pick(FAKTORY_LOSSES) ?? 'die';
    for (const one of faktory.connections) {
      tally.add(`Faktory ${how}: ${this.#scene.serverState(one)}`);
    }
    switch (how) {
      case 'die':
        faktory.die();
        return;
      case 'shutdown':
        faktory.shutDown();
        return;
      case 'hang':
        faktory.isHung = true;
    }
  }

  async #redisFails(): Promise<void> {
    const { house, dice, tally } = this.#scene;
    const { redis } = house.faktory.commands;
    const state =
      redis.state === 'well' ? (dice.pick(['hung', 'refusing'] as const) ?? 'hung') : 'well';
    tally.add(`redis: ${state}`);
    redis.enter(state);
    // It lasts: seconds, some of them.
    if (state === 'hung' && dice.chance(0.5)) {
      await this.#scene.moveClock((clock) => clock.advance(dice.upTo(6000)));
    }
  }

  async #clockMove(): Promise<void> {
    const { dice, tally } = this.#scene;
    const ms = dice.upTo(CLOCK_MOVES.mostMs);
    if (dice.chance(0.5)) {
      tally.add('clock: all timers due at once');
      this.#scene.clockHasJumped = true;
      await this.#scene.moveClock((clock) => clock.leap(ms));
    } else {
      tally.add('clock: minutes pass');
      await this.#scene.moveClock((clock) => clock.advance(ms));
    }
  }

  #limitsMove(): void {
    this.#scene.reload(redrawn(this.#scene.dice, this.#scene.config));
  }
}

/** One of the things, after one of the states that they are in. */
function byState<T>(
  things: readonly T[],
  stateOf: (thing: T) => string,
  random: () => number,
): T | undefined {
  const pick = <U>(from: readonly U[]): U | undefined => from[Math.floor(random() * from.length)];
  const states = things.map(stateOf);
  const state = pick([...new Set(states)]);
  return pick(things.filter((_, n) => states[n] === state));
}
