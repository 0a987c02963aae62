// The server room over a network in memory and a clock that the test moves. Promise: nothing moves until
// the test says so; what Faktory reads and says is the test's.

import { BufferBudget } from '../../../src/base/buffer-budget.ts';
import { Lingering } from '../../../src/base/lingering.ts';
import { Live } from '../../../src/base/live.ts';
import { StallWatch } from '../../../src/base/stall-watch.ts';
import { Turns } from '../../../src/base/turns.ts';
import { Command } from '../../../src/protocol/command.ts';
import type { Verb } from '../../../src/protocol/verbs.ts';
import { ControlConnection } from '../../../src/server/control-connection.ts';
import { DialPermits } from '../../../src/server/dial-permits.ts';
import { Dialler } from '../../../src/server/dialler.ts';
import { ServerHealth } from '../../../src/server/health.ts';
import { ownHello } from '../../../src/server/own-hello.ts';
import type {
  ServerConnection,
  ServerOptions,
  ServerOwner,
} from '../../../src/server/server-connection.ts';
import { Pause } from '../../../src/server/pause.ts';
import { ServerConnections } from '../../../src/server/server-connections.ts';
import { ServerCounts } from '../../../src/server/server-counts.ts';
import type { ServerParts, ServerSettings } from '../../../src/server/server-parts.ts';
import type { DialFailure } from '../../../src/server/server-states.ts';
import { WriteHealth } from '../../../src/server/write-health.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { MemoryNetwork, type MemorySocket } from '../../support/memory-socket.ts';
import { IDLE_GUARD } from './idle-guard.ts';

export const OWN_HELLO = ownHello('');
export const HI = '+HI {"v":2}\r\n';
export const HI_WITH_PASSWORD = '+HI {"v":2,"i":4000,"s":"abc"}\r\n';
export const CONNECT_TIMEOUT_MS = 2000;
export const LINGER_MS = 2000;

/** Faktory's end of a connection. */
export class FarEnd {
  readonly socket: MemorySocket;
  read = '';
  hasEnded = false;

  constructor(socket: MemorySocket) {
    this.socket = socket;
    socket.allowHalfOpen = true;
    socket.on('data', (bytes: Buffer) => (this.read += bytes.toString()));
    socket.on('end', () => (this.hasEnded = true));
    socket.on('error', () => {});
  }
}

/** Everything that a server connection tells whoever it works for. */
export class NotingOwner implements ServerOwner {
  readonly heard: string[] = [];
  onOpenToo: (connection: ServerConnection) => void = () => {};

  onDialFailed(_connection: ServerConnection, { reason, errno }: DialFailure): void {
    this.heard.push(`failed: ${reason} ${errno}`);
  }

  onOpen(connection: ServerConnection): void {
    this.heard.push('open');
    this.onOpenToo(connection);
  }

  onAnswered(): void {
    this.heard.push('answered');
  }

  onEnd(_connection: ServerConnection, reason: string): void {
    this.heard.push(`end: ${reason}`);
  }
}

export class ServerRoom {
  readonly clock = new FakeClock();
  readonly network = new MemoryNetwork();
  readonly counts = new ServerCounts();
  readonly bugs: unknown[] = [];
  readonly healthChanges: string[] = [];
  /** Dials, oldest first; their near ends have not heard 'connect'. */
  readonly dialled: { readonly near: MemorySocket; readonly far: FarEnd }[] = [];
  readonly refusals: string[] = [];
  readonly health: ServerHealth;
  readonly parts: Omit<ServerParts, 'forget'>;
  readonly servers: ServerConnections;
  readonly settings: Live<ServerSettings>;
  /** What may be held of replies. */
  readonly memory = new Live({ bufferedBytes: Infinity });
  readonly budget = new BufferBudget(this.clock, this.memory);
  hash: (text: string, rounds: number) => Promise<string> = async () => 'hash';
  places = 0;

  constructor(settings: Partial<ServerSettings> = {}) {
    const { clock, counts } = this;
    const permits = new DialPermits(clock);
    const onHealth = (up: boolean, failure: DialFailure | null): void =>
      void this.healthChanges.push(up ? 'up' : `down: ${failure?.reason}`);
    this.health = new ServerHealth({ onHealth }, permits);
    this.settings = new Live({
      address: { host: 'memory', port: 1 },
      local: { host: '', ports: null },
      secure: null,
      password: '',
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      answerTimeoutMs: 0,
      infoIntervalMs: 0,
      keepaliveMs: 0,
      writeStallTimeoutMs: 0,
      ...settings,
    });
    this.parts = {
      settings: this.settings,
      clock,
      counts,
      dial: () => this.#dial(),
      hasher: { iteratedSha256: (text: string, rounds: number) => this.hash(text, rounds) },
      dialler: new Dialler({ clock, random: () => 0.5, counts, permits }),
      permits,
      health: this.health,
      wiring: {
        turns: new Turns(clock),
        stalls: new StallWatch(clock, () => this.settings.current.writeStallTimeoutMs),
        lingering: new Lingering(clock, LINGER_MS),
        onBug: (error) => this.bugs.push(error),
      },
      budget: this.budget,
      events: {
        dialStarted: () => {},
        dialFailed: () => {},
        handshakeRefused: (what) => this.refusals.push(what),
      },
    };
    this.servers = new ServerConnections(this.parts);
  }

  /** Asks for a connection; its place counts until it is released. */
  connection(owner: ServerOwner, options: Partial<ServerOptions> = {}): ServerConnection {
    this.places += 1;
    return this.servers.open({
      lane: 'command',
      hello: OWN_HELLO,
      place: { release: () => (this.places -= 1) },
      owner,
      dialReason: 'first',
      isShared: true,
      ...options,
    });
  }

  /** The n-th dial, or the last one. */
  dial(n = this.dialled.length - 1): { readonly near: MemorySocket; readonly far: FarEnd } {
    const dial = this.dialled[n];
    if (dial === undefined) throw new Error(`Cannot find dial ${n} of ${this.dialled.length}`);
    return dial;
  }

  /** The last dial connects, and Faktory says what it says. */
  async says(text: string): Promise<void> {
    this.dial().far.socket.write(text);
    await this.settle();
  }

  /** The last dial goes well, to its +OK. */
  async accept(): Promise<FarEnd> {
    const { near, far } = this.dial();
    near.announce();
    await this.says(HI);
    await this.says('+OK\r\n');
    far.read = '';
    return far;
  }

  /** Everything on its way arrives. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      for (let ends = this.network.deliverable; ends.length > 0; ends = this.network.deliverable) {
        for (const end of ends) end.deliver(Infinity);
        quiet = 0;
      }
      await nextTurn();
    }
  }

  #dial(): ReturnType<ServerParts['dial']> {
    const { near, far } = this.network.pair();
    this.dialled.push({ near, far: new FarEnd(far) });
    return near.asSocket;
  }
}

/** A command whose fate is noted. */
export class NotedCommand extends Command {
  readonly told: string[];

  constructor(verb: Verb, text = verb as string) {
    const told: string[] = [];
    super(verb, Buffer.from(`${text}\r\n`), 0, {
      onReply: (_command, piece) =>
        told.push(piece.length > 100 ? `${piece.length} bytes` : piece.toString()),
      onLost: (_command, fate) => told.push(fate),
    });
    this.told = told;
  }
}

/** The bouncer's own connection in `room`; it neither judges writes nor is ever paused. */
export function controlOf(room: ServerRoom): ControlConnection {
  const { servers, clock, health, settings, counts } = room;
  return new ControlConnection({
    servers,
    clock,
    hello: OWN_HELLO,
    health,
    writeHealth: new WriteHealth(
      new Live({ lateReply: 'off', hang: 'off', refused: 'off', probeIntervalMs: 0 }),
    ),
    pause: new Pause(),
    settings,
    infoGuard: IDLE_GUARD,
    infoOutcomes: counts.info,
  });
}
