// One bouncer in memory, its Faktory and its clients, while a seed is played. Promise: where a
// connection is when its FIN or RST arrives is noted by its state's name; every command that Faktory
// takes up is told to the checks.

import { SharedCountError } from '../../../src/base/check.ts';
import type { Config } from '../../../src/config/config.ts';
import type { ServerState } from '../../../src/server/server-states.ts';
import type { WriteStateName } from '../../../src/server/write-health.ts';
import type { FaktoryConnection } from '../../support/faktory-connection.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { MemoryHouse } from '../../support/memory-house.ts';
import type { MemorySocket } from '../../support/memory-socket.ts';
import {
  ModelClient,
  type ModelClientOptions,
  type SentCommand,
} from '../../support/model-client.ts';
import { turn } from '../../support/settle.ts';
import { Caps } from './caps.ts';
import type { Dice } from './dice.ts';
import { stateBefore } from './client-whereabouts.ts';
import { CutReplies, FetchTimes } from './fetch-times.ts';
import type { Plan } from './plan.ts';
import { Tally } from './tally.ts';

/** Faktory drops a worker 60 s after its last BEAT; with that, its clients go. */
const WORKER_EXPIRES_MS = 59_000;
const HURRIED_MAX = 50;
const WORKERS = ['w1', 'w2', 'w3', null];

export class Scene {
  readonly plan: Plan;
  readonly dice: Dice;
  readonly house: MemoryHouse;
  readonly tally = new Tally();
  readonly problems: string[] = [];
  readonly caps: Caps;
  /** refusal_delay was set. */
  delaysRefusals: boolean;
  /** Sinks that have thrown: each may cost one connection. */
  sinksThrown = 0;
  #config: Config;
  #hasDied = false;
  #writesAtTurn: WriteStateName = 'sound';
  /** When Faktory last had a BEAT of each worker that it knew. */
  readonly #beats = new Map<string, number>();
  readonly #expired = new Set<string>();
  readonly #clients = new Map<string, ModelClient>();
  readonly #clientOf = new Map<MemorySocket, ModelClient>();
  readonly #fetchTimes = new Map<string, FetchTimes>();
  clockHasJumped = false;
  readonly #cutReplies = new CutReplies();
  readonly #acceptedAt = new Map<ModelClient, number>();

  constructor(plan: Plan, dice: Dice) {
    this.plan = plan;
    this.dice = dice;
    this.house = new MemoryHouse(plan.config, dice.random);
    this.house.faktory.commands.redis.take(plan.times);
    this.house.network.onUncaught = (error) => this.uncaught(error);
    this.house.clock.onUncaught = (error) => this.uncaught(error);
    this.house.faktory.onBeat = (wid) => this.#beats.set(wid, this.house.clock.now());
    this.house.deliver = (end, bytes) => this.deliver(end, bytes);
    this.#config = plan.config;
    this.delaysRefusals = plan.config.refusalDelayMs > 0;
    this.caps = new Caps(this.house, plan.config, this.problems);
    this.house.onDial = (near) => {
      this.caps.checkDial();
      near.onWrite = (bytes) => this.#checkWrite(bytes);
    };
  }

  /** What holds now. */
  get config(): Config {
    return this.#config;
  }

  get isSession(): boolean {
    return this.plan.config.mode === 'session';
  }

  get clients(): IterableIterator<ModelClient> {
    return this.#clients.values();
  }

  /** Those that have not left. */
  get here(): ModelClient[] {
    return [...this.#clients.values()].filter(({ isGone }) => !isGone);
  }

  client(name: string): ModelClient | undefined {
    return this.#clients.get(name);
  }

  acceptedAt(client: ModelClient): number {
    return this.#acceptedAt.get(client) ?? 0;
  }

  /** A client comes. `mayRead` tells what it may read beside the replies that are due. */
  clientComes(mayRead: NonNullable<ModelClientOptions['mayRead']>): void {
    const { dice, house } = this;
    if (!house.isListening) return;
    const wid = dice.pick(WORKERS) ?? null;
    const name = `${wid ?? 'p'}n${this.#clients.size}`;
    const { password } = this.plan.config.server;
    const socket = house.accept();
    const client = new ModelClient(name, wid, socket, {
      password: dice.either(0.1, 'wrong', password),
      now: () => house.clock.now(),
      isEager: dice.chance(0.2),
      saysBareLf: dice.chance(0.2),
      mayRead,
      onAnswer: (command, from, to) => this.#checkTime(client, command, from, to),
    });
    this.#clients.set(name, client);
    this.#acceptedAt.set(client, house.clock.now());
    const end = socket.peer;
    if (end === null) return;
    end.networkBytes = this.plan.networkBytes;
    this.#clientOf.set(end, client);
    this.#fetchTimes.set(name, new FetchTimes(end, () => house.clock.now()));
  }

  /** Whether a connection of the worker was lost when it had said no BEAT for as long. */
  mayHaveExpired(wid: string): boolean {
    return this.#expired.has(wid) || this.house.faktory.silentWorkers.has(wid);
  }

  /** The limits and times are others from now on. */
  reload(config: Config): void {
    const { limits } = this.#config;
    const isMore = config.limits.serverConnections > limits.serverConnections;
    this.tally.add(`limits: server_connections ${isMore ? 'raised' : 'lowered'}`);
    this.caps.change(config);
    this.delaysRefusals ||= config.refusalDelayMs > 0;
    this.#config = config;
    this.house.bouncer.apply(config);
  }

  /** Nobody caught it: a real process ends here, and so does the run. */
  uncaught(error: unknown): void {
    this.#hasDied = true;
    this.tally.add('process: ended by a defect');
    // Where a count that all share may be wrong, that is the only right thing to do.
    if (error instanceof SharedCountError && this.sinksThrown > 0) return;
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.problems.push(`uncaught: ${text.split('\n').slice(0, 6).join(' ')}`);
  }

  get hasDied(): boolean {
    return this.#hasDied;
  }

  sinkThrew(sink: string): void {
    this.sinksThrown += 1;
    this.tally.add(`sink: ${sink}`);
  }

  /** Time passes between two turns of the event loop, when what was put off to the first one's end is done. */
  async moveClock(move: (clock: FakeClock) => void): Promise<void> {
    await this.turn();
    move(this.house.clock);
  }

  /** What was put off to the end of this turn of the event loop is done. */
  async turn(): Promise<void> {
    await turn();
    const { faktory, bouncer } = this.house;
    const isWell = faktory.commands.redis.state === 'well';
    this.#writesAtTurn = isWell ? 'sound' : bouncer.snapshot().writes.state;
  }

  /** Hands over what is next on its way to `end`, or the first `bytes` of it. */
  deliver(end: MemorySocket, bytes: number): void {
    const event = end.nextEvent;
    const client = this.#clientOf.get(end);
    const server = this.house.faktory.connectionOf(end);
    if (event === null && bytes < end.undeliveredBytes) this.#noteSplit(client, server);
    if (event === null && server !== undefined) {
      this.#cutReplies.note(end, bytes, this.house.clock.now());
    }
    if (event !== 'fin' && event !== 'rst') {
      end.deliver(bytes);
      return;
    }
    if (server !== undefined) this.#noteLoss(server, event);
    if (client === undefined) end.deliver(bytes);
    else this.#noteClientEnd(client, event, () => end.deliver(bytes));
  }

  /** Often, all that is on its way to `end` arrives before anything else happens. */
  hurry(end: MemorySocket | null): void {
    if (end === null || this.dice.chance(0.3)) return;
    for (let i = 0; i < HURRIED_MAX && end.isDeliverable; i += 1) this.deliver(end, Infinity);
  }

  serverState(connection: FaktoryConnection): ServerState {
    const near = connection.socket.peer;
    if (near === null || !near.hasConnected) return 'dialling';
    if (near.hasEnded || near.lastWrite === 'END\r\n') return 'closing';
    if (!connection.isOpen) return 'handshake';
    const client = this.isSession ? this.#clients.get(connection.hello?.hostname ?? '') : undefined;
    return client?.socket.peer?.hasEnded === true ? 'orphaned' : 'open';
  }

  /** Whether the connection that the bouncer has with the client is over. */
  isOver(client: ModelClient): boolean {
    return client.socket.peer?.destroyed !== false;
  }

  /** A clock that jumps makes all that waits late; so does a client that does not read, or has left. */
  #checkTime(client: ModelClient, command: SentCommand, from: number, to: number): void {
    const { name, hasEnded } = client;
    if (hasEnded || this.isSession || this.plan.networkBytes !== Infinity || this.clockHasJumped) {
      return;
    }
    const problem =
      this.#fetchTimes.get(name)?.problem(command, [from, to], this.#cutReplies) ?? null;
    if (problem !== null) this.problems.push(`${name}: ${problem}`);
  }

  /** While it is known that a `+OK` would mean nothing, nothing is sent that stores a job. */
  #checkWrite(bytes: Buffer): void {
    const { faktory, bouncer } = this.house;
    if (faktory.commands.redis.state === 'well') return;
    // Those of clients, and a job that the bouncer gives back; its probe is meant for this time.
    const text = bytes.toString('latin1');
    if (!/^(?:PUSHB?|FAIL) .*(?:"id"|ClientGone)/m.test(text)) return;
    const { state } = bouncer.snapshot().writes;
    this.tally.add(`jobs sent while Redis fails: ${state}`);
    // What was accepted in this turn, before it was known, is written at the turn's end.
    if (state === 'sound' || this.#writesAtTurn === 'sound') return;
    this.problems.push(`${text.slice(0, 60)} was sent while ${state}`);
  }

  #noteClientEnd(client: ModelClient, event: 'fin' | 'rst', deliver: () => void): void {
    const state = stateBefore(client, this.house, deliver);
    this.tally.add(`client ${event}: ${state ?? 'unclear'}`);
  }

  #noteLoss(server: FaktoryConnection, event: 'fin' | 'rst'): void {
    this.tally.add(`server ${event}: ${this.serverState(server)}`);
    const { wid } = server;
    const beatAt = wid === null ? Infinity : (this.#beats.get(wid) ?? 0);
    const isSilent = this.house.clock.now() - beatAt >= WORKER_EXPIRES_MS;
    if (wid !== null && isSilent) this.#expired.add(wid);
  }

  #noteSplit(client: ModelClient | undefined, server: FaktoryConnection | undefined): void {
    if (client !== undefined) this.tally.add('split bytes: from clients');
    if (server !== undefined) this.tally.add('split bytes: from Faktory');
  }
}
