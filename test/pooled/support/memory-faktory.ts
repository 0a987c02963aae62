// A Faktory in memory that does one thing each time it is told to go on. Promise: each connection's
// commands are executed in order, one at a time; each reply names the command that it answers; what
// became of every job can be asked for.

import type { Clock, Timer } from '../../../src/base/clock.ts';
import { MemoryNetwork, type MemorySocket } from './memory-socket.ts';

/** A command as the model writes it: `VERB {"id":…}` or `FETCH q1 q2`. */
interface Payload {
  readonly id: string;
  readonly jid?: string;
  readonly queue?: string;
  readonly wid?: string;
  readonly errtype?: string;
}

export interface StoredJob {
  readonly jid: string;
  readonly queue: string;
  where: 'queued' | 'reserved' | 'acked' | 'failed' | 'given back';
  /** How often it was put into its queue. */
  pushes: number;
  /** How often FETCH took it out. */
  fetches: number;
  /** The connection that its reply was written to was lost before the bouncer had read it all. */
  wasCut: boolean;
}

interface BlockedFetch {
  readonly queues: readonly string[];
  readonly deadline: Timer;
}

export interface FaktoryConnection {
  readonly number: number;
  readonly socket: MemorySocket;
  readonly lines: string[];
  unread: string;
  wid: string | null;
  blocked: BlockedFetch | null;
  /** Replies by where their bytes end. */
  readonly replies: { readonly id?: string; readonly jid?: string; readonly endsAt: number }[];
  written: number;
}

const FETCH_BLOCKS_MS = 2000;

export class MemoryFaktory {
  readonly jobs = new Map<string, StoredJob>();
  readonly connections = new Set<FaktoryConnection>();
  readonly #unknown = new Set<string>();
  readonly #lostEnds: MemorySocket[] = [];
  /** Ids of commands that were executed, and how often. */
  readonly executed = new Map<string, number>();
  isListening = true;
  isShuttingDown = false;
  mostConnections = 0;
  readonly #network: MemoryNetwork;
  readonly #clock: Clock;
  readonly #queues = new Map<string, string[]>();
  #accepted = 0;

  constructor(network: MemoryNetwork, clock: Clock) {
    this.#network = network;
    this.#clock = clock;
  }

  /** Takes the place of net.connect. */
  connect(): MemorySocket {
    const { near, far } = this.#network.pair();
    if (!this.isListening) {
      near.receive('rst');
      return near;
    }
    near.announce();
    this.#accepted += 1;
    const connection: FaktoryConnection = {
      number: this.#accepted,
      socket: far,
      lines: [],
      unread: '',
      wid: null,
      blocked: null,
      replies: [],
      written: 0,
    };
    this.connections.add(connection);
    this.mostConnections = Math.max(this.mostConnections, this.#held());
    far.allowHalfOpen = true;
    far.on('data', (bytes: Buffer) => this.#read(connection, bytes));
    far.on('end', () => connection.lines.push('(end)'));
    far.on('error', () => this.#forget(connection));
    far.on('close', () => this.#forget(connection));
    this.#say(connection, '+HI {"v":2}\r\n');
    return near;
  }

  /** Connections that the bouncer has not cut off; those that it has, end when their turn comes. */
  #held(): number {
    let held = 0;
    for (const { socket } of this.connections) if (socket.peer?.destroyed === false) held += 1;
    return held;
  }

  /** Connections that have something to execute. */
  get busy(): FaktoryConnection[] {
    return [...this.connections].filter((c) => c.blocked === null && c.lines.length > 0);
  }

  /** Ids of commands that were on a connection when it was lost, or came after that. */
  unknown(): ReadonlySet<string> {
    const late = this.#lostEnds.map((end) => end.lost).join('');
    return this.#unknown.union(
      new Set([...late.matchAll(/"id":"([^"]+)"/g)].map(([, id = '']) => id)),
    );
  }

  /** Does the next thing on the connection. */
  step(connection: FaktoryConnection): void {
    const line = connection.lines.shift();
    if (line === undefined) return;
    if (line === '(end)' || line === 'END') {
      this.#close(connection);
    } else if (connection.wid === null) {
      connection.wid = (JSON.parse(line.slice('HELLO '.length)) as Payload).wid ?? '';
      this.#say(connection, '+OK\r\n');
    } else if (this.isShuttingDown) {
      this.#say(connection, '-ERR shutdown in progress\r\n');
      this.#close(connection);
    } else {
      this.#execute(connection, line);
    }
  }

  /** A job comes past the bouncer. */
  put({ jid, queue }: { readonly jid: string; readonly queue: string }): void {
    this.#change('PUSH', { id: jid, jid, queue });
  }

  /** Loses one connection: its commands that were not executed never will be. */
  reset(connection: FaktoryConnection): void {
    this.#noteLoss(connection);
    this.#forget(connection);
    this.#lostEnds.push(connection.socket);
    connection.socket.resetAndDestroy();
  }

  /** Dies: nobody can connect until it is started. */
  die(): void {
    this.isListening = false;
    this.isShuttingDown = false;
    for (const connection of [...this.connections]) this.reset(connection);
  }

  start(): void {
    this.isListening = true;
    this.isShuttingDown = false;
  }

  #read(connection: FaktoryConnection, bytes: Buffer): void {
    const lines = (connection.unread + bytes.toString()).split('\r\n');
    connection.unread = lines.pop() ?? '';
    connection.lines.push(...lines);
  }

  #execute(connection: FaktoryConnection, line: string): void {
    const verb = line.split(' ', 1)[0] ?? '';
    if (verb === 'FETCH') {
      this.#fetch(connection, line.split(' ').slice(1));
      return;
    }
    const payload = JSON.parse(line.slice(verb.length + 1)) as Payload | Payload[];
    const payloads = Array.isArray(payload) ? payload : [payload];
    for (const one of payloads) {
      this.executed.set(one.id, (this.executed.get(one.id) ?? 0) + 1);
      this.#change(verb === 'PUSHB' ? 'PUSH' : verb, one);
    }
    const [first] = payloads;
    if (first !== undefined && !Array.isArray(payload)) this.#say(connection, replyTo(verb, first));
    else this.#say(connection, bulkReply(payloads));
    for (const { id } of payloads) connection.replies.push({ id, endsAt: connection.written });
  }

  #change(verb: string, { jid = '', queue = '', errtype }: Payload): void {
    if (verb === 'PUSH' && queue !== BAD_QUEUE) {
      const job = this.jobs.get(jid);
      if (job !== undefined) job.pushes += 1;
      else {
        const where = 'queued';
        this.jobs.set(jid, { jid, queue, where, pushes: 1, fetches: 0, wasCut: false });
        this.#enqueue(jid, queue);
      }
    }
    const job = this.jobs.get(jid);
    if (job?.where !== 'reserved') return;
    if (verb === 'ACK') job.where = 'acked';
    if (verb === 'FAIL') job.where = errtype === 'ClientGone' ? 'given back' : 'failed';
  }

  #enqueue(jid: string, queue: string): void {
    for (const connection of this.connections) {
      if (connection.blocked?.queues.includes(queue) !== true) continue;
      connection.blocked.deadline.cancel();
      connection.blocked = null;
      this.#handOut(connection, jid);
      return;
    }
    this.#queues.set(queue, [...(this.#queues.get(queue) ?? []), jid]);
  }

  #fetch(connection: FaktoryConnection, queues: readonly string[]): void {
    for (const queue of queues) {
      const jid = this.#queues.get(queue)?.shift();
      if (jid === undefined) continue;
      this.#handOut(connection, jid);
      return;
    }
    const deadline = this.#clock.after(FETCH_BLOCKS_MS, () => {
      connection.blocked = null;
      this.#say(connection, '$-1\r\n');
    });
    connection.blocked = { queues, deadline };
  }

  #handOut(connection: FaktoryConnection, jid: string): void {
    const job = this.jobs.get(jid);
    if (job === undefined) return;
    job.where = 'reserved';
    job.fetches += 1;
    this.#say(connection, jobReply(job));
    connection.replies.push({ jid, endsAt: connection.written });
  }

  #say(connection: FaktoryConnection, text: string): void {
    connection.written += Buffer.byteLength(text);
    connection.socket.write(text);
  }

  /** Whatever was answered will be read; whatever comes was not executed, as the bouncer can tell. */
  #close(connection: FaktoryConnection): void {
    this.#forget(connection);
    connection.socket.end();
  }

  #noteLoss(connection: FaktoryConnection): void {
    const onItsWay = connection.socket.undelivered.toString();
    const unread = connection.socket.peer?.undelivered.length ?? 0;
    const read = connection.written - unread;
    for (const { id, jid, endsAt } of connection.replies) {
      if (endsAt <= read) continue;
      if (id !== undefined) this.#unknown.add(id);
      const job = jid === undefined ? undefined : this.jobs.get(jid);
      if (job !== undefined) job.wasCut = true;
    }
    // A PUSHB has several.
    const unexecuted = [connection.unread, onItsWay, ...connection.lines].join('');
    for (const [, id] of unexecuted.matchAll(/"id":"([^"]+)"/g)) {
      if (id !== undefined) this.#unknown.add(id);
    }
  }

  #forget(connection: FaktoryConnection): void {
    connection.blocked?.deadline.cancel();
    connection.blocked = null;
    this.connections.delete(connection);
  }
}

/** PUSH to it fails. */
export const BAD_QUEUE = '!';

/** What the command is answered; but for PUSH, no other command's reply is equal. */
export function replyTo(verb: string, { id, queue = '' }: Payload): string {
  if (verb === 'PUSH') return queue === BAD_QUEUE ? `-ERR ${problemOf(id)}\r\n` : '+OK\r\n';
  if (verb !== 'INFO') return `+${id}\r\n`;
  // Long enough, for some, to be streamed.
  const length = id.endsWith('7') ? 70_000 : 100;
  const body = `${id}:${'i'.repeat(length)}:${id}`;
  return `$${body.length}\r\n${body}\r\n`;
}

function bulkReply(payloads: readonly Payload[]): string {
  const bad = payloads.filter(({ queue }) => queue === BAD_QUEUE);
  const body = JSON.stringify(Object.fromEntries(bad.map((p) => [p.jid, problemOf(p.id)])));
  return `$${body.length}\r\n${body}\r\n`;
}

function problemOf(id: string): string {
  return `no such queue for ${id}`;
}

function jobReply({ jid, queue }: StoredJob): string {
  const body = JSON.stringify({ jid, queue, jobtype: 't', args: [], retry: 25 });
  return `$${body.length}\r\n${body}\r\n`;
}
