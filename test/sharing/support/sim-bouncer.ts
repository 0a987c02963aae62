// A bouncer in a simulation: the real SharedLease, with clients that come and go as a number. It opens all that
// mayDial() allows: what the waiting line and the limit add in the product is left out on purpose.

import type { LeasePort, LeaseReply, LeaseRequest, Terms } from '../../../src/sharing/lease.ts';
import { SharedLease } from '../../../src/sharing/shared-lease.ts';
import type { LeaseTiming } from '../../../src/sharing/timing.ts';
import type { Dice } from '../../model/support/dice.ts';
import type { SimConnection, SimFaktory } from './sim-faktory.ts';
import type { SimRedis } from './sim-redis.ts';
import { SimProcess, type SimTime } from './sim-time.ts';

export interface SimWorld {
  readonly time: SimTime;
  readonly dice: Dice;
  readonly redis: SimRedis;
  readonly faktory: SimFaktory;
  readonly timing: LeaseTiming;
  /** Whether messages may be lost or late. */
  isHealed: boolean;
  readonly loss: number;
  readonly churn: number;
}

/** Faktory drops a handshake that takes longer. */
const HANDSHAKE_MS = 2000;
const CONNECT_MS = 5000;
const DEMAND_MS = 250;

class Connection implements SimConnection {
  readonly owner: SimBouncer;
  readonly isOwn: boolean;
  state: 'dialling' | 'open' | 'closing' | 'gone' = 'dialling';
  trust = 0;
  #lastToFaktory = 0;
  #lastToBouncer = 0;

  constructor(owner: SimBouncer, isOwn: boolean) {
    this.owner = owner;
    this.isOwn = isOwn;
  }

  readonly onEnd = (): void => {
    this.toBouncer(() => this.owner.ended(this));
  };

  /** In order, and once the network lets it through. */
  toFaktory(act: () => void): void {
    const { time } = this.owner.world;
    this.owner.throughToFaktory(() => {
      this.#lastToFaktory = Math.max(this.#lastToFaktory, time.now + this.owner.latency());
      time.at(this.#lastToFaktory, act);
    });
  }

  toBouncer(act: () => void): void {
    const { time } = this.owner.world;
    this.owner.throughToFaktory(() => {
      this.#lastToBouncer = Math.max(this.#lastToBouncer, time.now + this.owner.latency());
      time.at(this.#lastToBouncer, () => this.owner.process.hear(act));
    });
  }
}

export class SimBouncer implements LeasePort {
  readonly world: SimWorld;
  readonly process: SimProcess;
  readonly lease: SharedLease;
  /** Connections that clients would use. */
  target: number;
  reachesRedis = true;
  #reachesFaktory = true;
  #held: (() => void)[] = [];
  readonly #connections = new Set<Connection>();
  #own: Connection | null = null;
  #counting: ((count: number | null) => void)[] = [];
  #ids = 0;

  constructor(world: SimWorld, name: string, terms: Terms, block: number) {
    this.world = world;
    const { dice } = world;
    this.process = new SimProcess(world.time, 0.99 + dice.random() * 0.02, dice.upTo(1e6));
    this.target = dice.upTo(terms.limit);
    this.lease = new SharedLease({
      clock: this.process,
      timing: world.timing,
      terms,
      block,
      newId: () => {
        this.#ids += 1;
        return `${name}.${this.#ids}`;
      },
      port: this,
      taken: () => ({
        used: this.used,
        taken: this.used,
        waiting: Math.max(0, this.target - this.used),
      }),
      count: (done) => this.#count(done),
      listener: { onPlaces: () => this.fill(), onState: () => {}, onOutcome: () => {} },
    });
  }

  get used(): number {
    return this.#connections.size;
  }

  latency(): number {
    const { dice, isHealed } = this.world;
    return isHealed ? 1 + dice.random() * 5 : 1 + dice.random() * dice.either(0.05, 200, 20);
  }

  start(): void {
    this.#dial(true);
    this.lease.start();
    this.#demand();
  }

  /** Its connections leave, then it gives its lease back and is gone. */
  leave(done: () => void): void {
    this.target = 0;
    for (const connection of this.#connections) this.#close(connection);
    const end = (): void => {
      if (this.used > 0) {
        this.process.after(DEMAND_MS, end);
        return;
      }
      this.lease.stop(() => {
        this.process.kill();
        this.world.faktory.endAll(this);
        done();
      });
    };
    end();
  }

  /** The process is gone; what waits in a FETCH is closed by Faktory a little later. */
  kill(lingerMs: number): void {
    this.process.kill();
    const { time, faktory, dice } = this.world;
    for (const connection of this.#connections) {
      time.in(dice.either(0.5, dice.random() * lingerMs, this.latency()), () =>
        faktory.drop(connection),
      );
    }
    const own = this.#own;
    if (own !== null) time.in(this.latency(), () => faktory.drop(own));
  }

  /** Its machine is gone: Faktory finds out when nothing has come for long. */
  vanish(lingerMs: number): void {
    this.process.kill();
    this.world.time.in(lingerMs, () => this.world.faktory.endAll(this));
  }

  cutFromFaktory(): void {
    this.#reachesFaktory = false;
  }

  mendToFaktory(): void {
    this.#reachesFaktory = true;
    const held = this.#held;
    this.#held = [];
    for (const act of held) act();
  }

  /** Faktory has heard nothing for long: it drops the connections, and the bouncer finds out after the cut. */
  droppedByFaktory(): void {
    const { faktory, time, dice } = this.world;
    for (const connection of [...this.#connections, this.#own]) {
      if (connection === null || !faktory.has(connection)) continue;
      faktory.drop(connection);
      this.throughToFaktory(() =>
        time.in(dice.random() * 10_000, () => this.process.hear(() => this.ended(connection))),
      );
    }
  }

  throughToFaktory(act: () => void): void {
    if (this.#reachesFaktory) act();
    else this.#held.push(act);
  }

  send(request: LeaseRequest, done: (reply: LeaseReply | null) => void): void {
    const { time, redis, dice, timing, isHealed, loss } = this.world;
    let isOver = false;
    const finish = (reply: LeaseReply | null): void => {
      if (isOver) return;
      isOver = true;
      done(reply);
    };
    this.process.after(timing.timeoutMs, () => finish(null));
    const isLate = !isHealed && dice.chance(0.02);
    if (!this.reachesRedis || !redis.isUp) {
      if (dice.chance(0.5)) time.in(1, () => this.process.hear(() => finish(null)));
      // What lies in a buffer may still be run when Redis goes on.
      if (!isLate) return;
    }
    if (!isHealed && dice.chance(loss)) return;
    const wayMs = isLate ? dice.random() * 3 * timing.timeoutMs : this.latency();
    time.in(wayMs, () => {
      if (!redis.isUp) return;
      const reply = redis.run(request);
      if (!isHealed && dice.chance(loss)) return;
      time.in(this.latency(), () => {
        if (this.reachesRedis) this.process.hear(() => finish(reply));
      });
    });
  }

  fill(): void {
    while (this.used < this.target && this.lease.mayDial(this.used)) this.#dial(false);
    if (this.used < this.target) this.lease.wanted();
  }

  ended(connection: Connection): void {
    const wasOpen = connection.state === 'open';
    if (connection.state === 'gone') return;
    connection.state = 'gone';
    if (wasOpen && !connection.isOwn) this.lease.watch.closed(connection.trust);
    if (connection.isOwn) {
      this.#own = null;
      if (wasOpen) this.lease.ownLost();
      const counting = this.#counting;
      this.#counting = [];
      for (const done of counting) done(null);
      this.process.after(200, () => this.#dial(true));
      return;
    }
    this.#connections.delete(connection);
    this.fill();
  }

  #demand(): void {
    const { dice, isHealed } = this.world;
    this.process.after(DEMAND_MS * (0.5 + dice.random()), () => this.#demand());
    const churn = isHealed ? 0 : this.world.churn;
    for (const connection of this.#connections) {
      if (connection.state !== 'open') continue;
      if (this.used > this.target || dice.chance(churn / 20)) this.#close(connection);
      // One that is never used proves nothing: its place is set aside (docs/scale.md).
      else if (dice.chance(isHealed ? 0.5 : 0.1)) this.#use(connection);
    }
    this.fill();
  }

  #dial(isOwn: boolean): void {
    const { faktory, time } = this.world;
    const connection = new Connection(this, isOwn);
    if (isOwn) this.#own = connection;
    else this.#connections.add(connection);
    this.process.after(CONNECT_MS, () => {
      if (connection.state === 'dialling') this.#abort(connection);
    });
    connection.toFaktory(() => {
      if (!faktory.isUp) {
        connection.onEnd();
        return;
      }
      const acceptedAt = time.now;
      connection.toBouncer(() => {
        if (connection.state !== 'dialling') return;
        if (!isOwn && !this.lease.mayDial(this.used - 1)) {
          this.#abort(connection);
          return;
        }
        connection.toFaktory(() => {
          if (connection.state === 'gone' && !this.process.isDead) return;
          if (!faktory.isUp || time.now - acceptedAt > HANDSHAKE_MS || this.process.isDead) {
            connection.onEnd();
            return;
          }
          faktory.accept(connection);
          connection.toBouncer(() => this.#isOpen(connection));
        });
      });
    });
  }

  #isOpen(connection: Connection): void {
    if (connection.state !== 'dialling') return;
    connection.state = 'open';
    if (connection.isOwn) this.lease.ownOpened();
    else connection.trust = this.lease.watch.opened();
  }

  /** A command goes over it, and is answered if Faktory knows the connection. */
  #use(connection: Connection): void {
    connection.toFaktory(() => {
      if (!this.world.faktory.has(connection)) {
        connection.onEnd();
        return;
      }
      connection.toBouncer(() => {
        if (connection.state !== 'open') return;
        connection.trust = this.lease.watch.answered(connection.trust);
      });
    });
  }

  /** It is given up in the handshake: it counts until Faktory has closed. */
  #abort(connection: Connection): void {
    if (connection.isOwn) {
      connection.toFaktory(() => this.world.faktory.drop(connection));
      this.ended(connection);
      return;
    }
    connection.state = 'closing';
    connection.toFaktory(() => {
      this.world.faktory.drop(connection);
      connection.onEnd();
    });
  }

  #close(connection: Connection): void {
    if (connection.state !== 'open') return;
    connection.state = 'closing';
    this.lease.watch.closed(connection.trust);
    const { time, faktory, dice } = this.world;
    connection.toFaktory(() => {
      time.in(dice.chance(0.3) ? dice.random() * 2000 : 0, () => {
        faktory.drop(connection);
        connection.onEnd();
      });
    });
  }

  #count(done: (count: number | null) => void): void {
    const own = this.#own;
    if (own === null || own.state !== 'open') {
      this.process.after(1, () => done(null));
      return;
    }
    this.#counting.push(done);
    own.toFaktory(() => {
      const { faktory } = this.world;
      if (!faktory.has(own)) {
        own.onEnd();
        return;
      }
      const { count } = faktory;
      own.toBouncer(() => {
        const at = this.#counting.indexOf(done);
        if (at < 0) return;
        this.#counting.splice(at, 1);
        done(count);
      });
    });
  }
}
