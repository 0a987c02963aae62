// A Faktory of the tests' own: speaks the protocol as the real one does (support-check.test.ts pins
// it to that), records every line, and misbehaves on request. Retries and schedules never come due.

import { createServer, type Server, type Socket } from 'node:net';
import { freePort } from './free-port.ts';
import {
  type Answer,
  enqueue,
  execute,
  signalWorker,
  type StandInWorker,
  type WorkerState,
} from './stand-in-commands.ts';
import { type ConnectionHost, StandInConnection } from './stand-in-connection.ts';
import { type EnterpriseOptions, StandInEnterprise } from './stand-in-enterprise.ts';
import { StandInJobs } from './stand-in-jobs.ts';
import { type Toxic, type ToxicPlace, Toxics } from './toxics.ts';
import { HANGS_MS, within } from './waiting.ts';

export interface StandInOptions {
  readonly password?: string;
  /** How long FETCH blocks, and how long a quiet worker's sleeps: ms, or UNTIL_RELEASED. Default 2000. */
  readonly fetchBlockMs?: number;
  /** Rounds that HI asks for; Faktory's own are 4000 to 8095. Default 4000. */
  readonly rounds?: number;
  /** Default 2000. */
  readonly handshakeMs?: number;
  /** What INFO says. Default 1.7.0. */
  readonly version?: string;
  /** Given: an Enterprise server. */
  readonly enterprise?: EnterpriseOptions;
}

export interface ReceivedLine {
  /** Numbers count from 1 in the order of accepting. */
  readonly connection: number;
  readonly line: string;
}

const PORT_TRIES_MAX = 3;

export class StandInFaktory {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly jobs: StandInJobs;
  /** What an Enterprise server knows besides; undefined in the open-source edition. */
  readonly enterprise: StandInEnterprise | undefined;
  /** Lines that would have made the real one panic; each stopped the stand-in. */
  readonly panics: string[] = [];
  readonly #options: StandInOptions;
  readonly #toxics = new Toxics();
  readonly #greeted = new Set<number>();
  readonly #open = new Map<number, StandInConnection>();
  readonly #workers = new Map<string, StandInWorker>();
  readonly #received: ReceivedLine[] = [];
  readonly #watchers = new Set<() => void>();
  #server: Server | undefined;
  #accepted = 0;
  #maxConnections = 0;

  static async start(options: StandInOptions = {}): Promise<StandInFaktory> {
    for (let tries = 1; ; tries += 1) {
      const faktory = new StandInFaktory(await freePort(), options);
      try {
        await faktory.start();
        return faktory;
      } catch (error) {
        // Somebody else was faster.
        if (!/EADDRINUSE/.test(String(error)) || tries === PORT_TRIES_MAX) throw error;
      }
    }
  }

  private constructor(port: number, options: StandInOptions) {
    this.port = port;
    this.#options = options;
    const { enterprise } = options;
    this.enterprise =
      enterprise === undefined
        ? undefined
        : new StandInEnterprise(enterprise, (fields) => this.#push(fields));
    this.jobs = new StandInJobs((queue, wid) => this.enterprise?.mayTake(queue, wid) ?? true);
  }

  /** Every line in the order of arrival, HELLO included; a line counts once its LF has come. */
  get received(): readonly ReceivedLine[] {
    return this.#received;
  }

  /** Lines of that verb, of one connection or of all. */
  lines(verb: string, connection?: number): string[] {
    return this.#received
      .filter((entry) => connection === undefined || entry.connection === connection)
      .map(({ line }) => line)
      .filter((line) => line === verb || line.startsWith(`${verb} `));
  }

  /** How many are open now. One whose client left during a FETCH is, until the FETCH ends. */
  get connections(): number {
    return this.#open.size;
  }

  get maxConnections(): number {
    return this.#maxConnections;
  }

  /** How many were ever accepted. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Numbers of the open connections that said HELLO with this wid, '' for producers. */
  connectionsOf(wid: string): number[] {
    return [...this.#open.values()]
      .filter(({ wid: own, number }) => own === wid && this.#greeted.has(number))
      .map(({ number }) => number);
  }

  isKnown(wid: string): boolean {
    return this.#workers.has(wid);
  }

  /** What the Web UI's buttons do. */
  signal(wid: string, state: WorkerState): void {
    const worker = this.#workers.get(wid);
    if (worker !== undefined) signalWorker(worker, state);
  }

  /** Misbehaves from now on. Returns the function that ends it. */
  inject(toxic: Toxic, place: ToxicPlace = {}): () => void {
    return this.#toxics.inject(toxic, place);
  }

  /** Resolves once the predicate holds; asked whenever a line or a connection comes or goes. */
  async waitFor(predicate: (faktory: this) => boolean, what = 'the predicate'): Promise<void> {
    if (predicate(this)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const watcher = (): void => {
      if (predicate(this)) resolve();
    };
    const found = (): string =>
      `${what}; received ${JSON.stringify(this.#received.slice(-20))}, ${this.connections} open`;
    this.#watchers.add(watcher);
    await within(promise, HANGS_MS, found).finally(() => this.#watchers.delete(watcher));
  }

  /** Listens, on the same port as ever. */
  async start(): Promise<void> {
    if (this.#server !== undefined) return;
    const server = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.host, port: this.port, backlog: 4096 }, resolve);
    });
  }

  /** Stops listening: who connects hears ECONNREFUSED. Open connections stay. */
  refuse(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  /** SIGTERM's beginning: nobody new, and each connection's next command hears of the shutdown. */
  beginShutdown(): () => void {
    this.refuse();
    return this.inject({ kind: 'shutdown' });
  }

  /** Ends all connections, as a network or a death would. */
  drop(how: 'close' | 'reset' = 'close'): void {
    for (const connection of this.#open.values()) connection.drop(how);
  }

  /** FIN on all connections; it goes on reading them. */
  halfClose(): void {
    for (const connection of this.#open.values()) connection.halfClose();
  }

  /** Says to one connection, or to all, what nobody asked for. */
  say(text: string, connection?: number): void {
    for (const open of this.#open.values()) {
      if (connection === undefined || open.number === connection) open.say(text);
    }
  }

  /** Dies: no listener, no connections, no toxics; the jobs stay. Start it again at will. */
  async stop(): Promise<void> {
    this.refuse();
    this.drop();
    this.#toxics.liftAll();
    await this.waitFor(() => this.#open.size === 0, 'all connections to end');
  }

  #accept(socket: Socket): void {
    this.#accepted += 1;
    const connection = new StandInConnection(this.#accepted, socket, this.#connectionHost());
    this.#open.set(connection.number, connection);
    this.#maxConnections = Math.max(this.#maxConnections, this.#open.size);
    this.#changed();
    void connection.serve();
  }

  #connectionHost(): ConnectionHost {
    return {
      password: this.#options.password,
      rounds: this.#options.rounds ?? 4000,
      handshakeMs: this.#options.handshakeMs ?? 2000,
      received: ({ number }, line) => {
        this.#received.push({ connection: number, line });
        this.#changed();
      },
      strike: (on, { number }) => this.#toxics.strike(on, number),
      greeted: (connection) => this.#greet(connection),
      execute: (connection, line) => this.#execute(connection, line),
      ended: (connection) => this.#forget(connection),
    };
  }

  async #execute(connection: StandInConnection, line: string): Promise<Answer> {
    const { number, wid, signal } = connection;
    const answer = await execute(line, {
      jobs: this.jobs,
      enterprise: this.enterprise,
      workers: this.#workers,
      connection: number,
      wid,
      signal,
      fetchBlockMs: this.#options.fetchBlockMs ?? 2000,
      info: () => ({
        version: this.#options.version ?? '1.7.0',
        connections: this.#greeted.size,
      }),
    });
    if (answer === 'panic') {
      this.panics.push(line);
      this.refuse();
      this.drop();
    }
    return answer;
  }

  #push(fields: Readonly<Record<string, unknown>>): void {
    enqueue(fields, { jobs: this.jobs, enterprise: this.enterprise });
  }

  #greet({ number, wid }: StandInConnection): void {
    this.#greeted.add(number);
    if (wid === '') return;
    const worker = this.#workers.get(wid);
    if (worker === undefined) {
      const connections = new Set([number]);
      this.#workers.set(wid, { state: 'running', firstConnection: number, connections });
    } else worker.connections.add(number);
  }

  #forget({ number, wid }: StandInConnection): void {
    this.#open.delete(number);
    this.#greeted.delete(number);
    const worker = this.#workers.get(wid);
    worker?.connections.delete(number);
    if (worker?.connections.size === 0) this.#workers.delete(wid);
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
