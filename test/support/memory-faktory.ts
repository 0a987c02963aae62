// A Faktory in memory that does one thing each time it is told to go on. Promise: each connection's
// commands are executed in order, one at a time; it can be lost in every way that a server can; what
// became of every command and job can be asked for.

import type { Clock } from '../../src/base/clock.ts';
import { END_OF_INPUT, FaktoryConnection } from './faktory-connection.ts';
import { MemoryCommands } from './memory-commands.ts';
import { memoryHash } from './memory-hasher.ts';
import type { MemoryJobs } from './memory-jobs.ts';
import { errorReply, payloadsOf, verbOf } from './memory-replies.ts';
import { MemoryNetwork, type MemorySocket } from './memory-socket.ts';

/** v1.7.0 server/workers.go: a worker without BEAT for 60 s is dropped, looked for every 15 s. */
const REAP = { everyMs: 15_000, afterMs: 60_000 };
const SILENT_AFTER_MS = 59_000;
const HASH_ROUNDS = 5000;
/** Lines that kill the real one (v1.7.0 server/commands.go slices and indexes unchecked). */
const DEADLY = /^(?:PUSHB?|ACK|FAIL|BEAT|QUEUE(?: \S*)?)$/;

export const SHUTDOWN = errorReply('shutdown in progress');

export interface MemoryFaktoryParts {
  readonly network: MemoryNetwork;
  readonly clock: Clock;
  readonly random: () => number;
  /** Empty: none. */
  readonly password: string;
}

export class MemoryFaktory {
  readonly commands: MemoryCommands;
  readonly connections = new Set<FaktoryConnection>();
  /** Clients whose name was that of a connection when it was lost: in session mode their own. */
  readonly lostHosts = new Set<string>();
  /** Workers that had said no BEAT for about a minute when a connection of theirs was lost. */
  readonly silentWorkers = new Set<string>();
  /** Lines that would have killed it. */
  readonly deadlyLines: string[] = [];
  isListening = true;
  isShuttingDown = false;
  /** It executes nothing and greets nobody. */
  isHung = false;
  mostConnections = 0;
  /** Hears each command line before it is taken up. */
  onCommand: (connection: FaktoryConnection, line: string) => void = () => {};
  /** Hears each BEAT of a worker that is known. */
  onBeat: (wid: string) => void = () => {};
  readonly #parts: MemoryFaktoryParts;
  readonly #byNearEnd = new Map<MemorySocket, FaktoryConnection>();
  readonly #unknown = new Set<string>();
  readonly #lost: FaktoryConnection[] = [];
  readonly #beats = new Map<string, number>();
  #dialled = 0;

  constructor(parts: MemoryFaktoryParts) {
    this.#parts = parts;
    this.commands = new MemoryCommands(parts.clock, parts.random, this);
  }

  get jobs(): MemoryJobs {
    return this.commands.jobs;
  }

  /** Begins to drop workers that say no BEAT. */
  startReaping(): void {
    this.#parts.clock.after(REAP.everyMs, () => {
      this.#reap();
      this.startReaping();
    });
  }

  /** Takes the place of net.connect. */
  connect(): MemorySocket {
    const { near, far } = this.#parts.network.pair();
    this.#dialled += 1;
    const connection = new FaktoryConnection(this.#dialled, far);
    this.#byNearEnd.set(near, connection);
    if (!this.isListening) {
      near.receive('rst');
      return near;
    }
    near.announce();
    this.connections.add(connection);
    this.mostConnections = Math.max(this.mostConnections, this.held);
    far.on('error', () => this.#forget(connection));
    far.on('close', () => this.#forget(connection));
    if (this.isHung) connection.lines.push(GREET);
    else this.#greet(connection);
    return near;
  }

  /** The connection whose other end is `near`; a dial that was refused has one too. */
  connectionOf(near: MemorySocket): FaktoryConnection | undefined {
    return this.#byNearEnd.get(near);
  }

  /** Connections that the bouncer has not cut off; those that it has, end when their turn comes. */
  get held(): number {
    let held = 0;
    for (const connection of this.connections) if (connection.isHeld) held += 1;
    return held;
  }

  /** Connections that have something to execute. */
  get busy(): FaktoryConnection[] {
    if (this.isHung) return [];
    return [...this.connections].filter(({ isBusy }) => isBusy);
  }

  /** Ids of commands that were on a connection when it was lost, or came after that; asked at the end. */
  unknown(): ReadonlySet<string> {
    // A line may have been lost in the middle, and a reply by a reset that came after it.
    for (const one of this.#lost) {
      this.#addIds(one.unexecuted() + one.socket.lost);
      this.#noteUnread(one);
    }
    return this.#unknown.union(this.commands.mute);
  }

  /** Does the next thing on the connection. */
  step(connection: FaktoryConnection): void {
    const line = connection.lines.shift();
    if (line === undefined) return;
    if (line === GREET) this.#greet(connection);
    else if (line === END_OF_INPUT || line === 'END') this.#close(connection);
    else if (connection.hello === null) this.#readHello(connection, line);
    else if (this.isShuttingDown) this.#refuse(connection, line);
    else this.#begin(connection, line);
  }

  /** A job comes past the bouncer. */
  put(job: { readonly jid: string; readonly queue: string }): void {
    this.commands.put({ id: job.jid, ...job });
  }

  /** Loses one connection: its commands that were not executed never will be. */
  reset(connection: FaktoryConnection): void {
    this.#noteLoss(connection);
    this.#noteUnread(connection);
    connection.isMute = true;
    this.connections.delete(connection);
    connection.socket.resetAndDestroy();
  }

  /** Closes one connection: what it has said will be read. */
  finish(connection: FaktoryConnection): void {
    if (connection.socket.undeliveredBytes > 0) {
      // Bytes that nobody reads make it a reset.
      this.reset(connection);
      return;
    }
    this.#noteLoss(connection);
    connection.isMute = true;
    this.connections.delete(connection);
    connection.socket.destroy();
  }

  /** Says FIN, and goes on with what comes: nobody will hear of it. */
  halfClose(connection: FaktoryConnection): void {
    this.#noteLoss(connection);
    connection.isMute = true;
    connection.socket.end();
  }

  /** Nothing passes any more between the connection and the bouncer. */
  silence(connection: FaktoryConnection): void {
    connection.isSilent = true;
    connection.wasSilent = true;
    connection.socket.holdBack();
    connection.socket.peer?.holdBack();
  }

  speakAgain(connection: FaktoryConnection): void {
    connection.isSilent = false;
    connection.socket.release();
    connection.socket.peer?.release();
  }

  /** Dies: nobody can connect until it is started. */
  die(): void {
    this.isListening = false;
    this.isShuttingDown = false;
    for (const connection of [...this.connections]) this.reset(connection);
    this.commands.stop();
    this.#beats.clear();
  }

  /** Answers one more command on each connection, with an error, and closes it. */
  shutDown(): void {
    this.isShuttingDown = true;
    this.isListening = false;
  }

  /** It is as it should be, whatever it was. */
  start(): void {
    this.isListening = true;
    this.isShuttingDown = false;
    this.isHung = false;
  }

  /** Notes that the worker is alive; false where none of its connections is open. */
  beat(wid: string): boolean {
    for (const connection of this.connections) {
      if (connection.wid !== wid) continue;
      this.#beats.set(wid, this.#parts.clock.now());
      this.onBeat(wid);
      return true;
    }
    return false;
  }

  #greet(connection: FaktoryConnection): void {
    const { password } = this.#parts;
    const challenge = password === '' ? '' : `,"i":${HASH_ROUNDS},"s":"${connection.salt}"`;
    connection.say(`+HI {"v":2${challenge}}\r\n`);
  }

  #readHello(connection: FaktoryConnection, line: string): void {
    const { password, clock } = this.#parts;
    const {
      wid = '',
      hostname = '',
      pwdhash = '',
    } = JSON.parse(line.slice('HELLO '.length)) as {
      readonly wid?: string;
      readonly hostname?: string;
      readonly pwdhash?: string;
    };
    if (pwdhash !== (password === '' ? '' : memoryHash(password + connection.salt, HASH_ROUNDS))) {
      connection.say(errorReply('Invalid password'));
      this.#close(connection);
      return;
    }
    // A worker is forgotten with its last connection.
    const isKnown = [...this.connections].some((other) => other.wid === wid);
    connection.open({ wid, hostname });
    if (wid !== '' && !isKnown) this.#beats.set(wid, clock.now());
  }

  #refuse(connection: FaktoryConnection, line: string): void {
    const [first] = payloadsOf(verbOf(line), line);
    this.commands.noteError(first?.id ?? '', SHUTDOWN);
    connection.say(SHUTDOWN);
    this.#noteHost(connection);
    this.#close(connection);
  }

  #begin(connection: FaktoryConnection, line: string): void {
    if (DEADLY.test(line)) this.deadlyLines.push(line);
    this.onCommand(connection, line);
    this.commands.begin(connection, line);
  }

  /** A worker that has said no BEAT for too long loses its connections. */
  #reap(): void {
    const now = this.#parts.clock.now();
    for (const [wid, beatAt] of this.#beats) {
      if (now - beatAt <= REAP.afterMs) continue;
      for (const connection of [...this.connections]) {
        if (connection.wid === wid) this.finish(connection);
      }
      this.#beats.delete(wid);
    }
  }

  /** Whatever was answered will be read; whatever comes was not executed, as the bouncer can tell. */
  #close(connection: FaktoryConnection): void {
    this.connections.delete(connection);
    connection.socket.end();
  }

  #noteLoss(connection: FaktoryConnection): void {
    this.#noteHost(connection);
    const { wid } = connection;
    const beatAt = this.#beats.get(wid ?? '') ?? 0;
    const isSilent = this.#parts.clock.now() - beatAt >= SILENT_AFTER_MS;
    if (wid !== null && isSilent) this.silentWorkers.add(wid);
    this.#addIds(connection.unexecuted());
    this.#lost.push(connection);
  }

  #noteUnread(connection: FaktoryConnection): void {
    for (const { ids = [], jid } of connection.unread()) {
      for (const id of ids) this.#unknown.add(id);
      const job = jid === undefined ? undefined : this.jobs.get(jid);
      if (job !== undefined) job.wasCut = true;
    }
  }

  #forget(connection: FaktoryConnection): void {
    this.connections.delete(connection);
    if (connection.isMute) this.#addIds(connection.unexecuted());
    if (connection.wasSilent) this.#noteLoss(connection);
  }

  #noteHost({ hello }: FaktoryConnection): void {
    if (hello !== null) this.lostHosts.add(hello.hostname);
  }

  #addIds(text: string): void {
    // A PUSHB has several.
    for (const [, id = ''] of text.matchAll(/"id":"([^"]+)"/g)) this.#unknown.add(id);
  }
}

const GREET = '(greet)';
