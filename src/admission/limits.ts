// Every limit on connections and FETCHes. Promise: the numbers move in place, and what waits for
// one is woken when it rises; whether they are enforced (observe_only) is decided here and nowhere else.

import { Limit } from '../base/limit.ts';
import { Live } from '../base/live.ts';

/** What the configuration says; a limit of 0 in `perWorker` and `perAddress` means none. */
export interface ConfiguredLimits {
  readonly clients: number;
  readonly handshakes: number;
  readonly serverConnections: number;
  readonly producerReserve: number;
  readonly fetchesInFlight: number;
  readonly commandsInFlight: number;
  readonly perWorker: number;
  readonly perAddress: number;
  readonly waitingLine: number;
}

export class Limits {
  /** All client connections. */
  readonly clients: Limit;
  /** Client connections between HI and HELLO's check. */
  readonly handshakes: Limit;
  /** All server connections. */
  readonly serverConnections: Limit;
  /** Of them, those that only producers may take. */
  readonly producerReserve: Live<number>;
  /** FETCHes at Faktory. */
  readonly fetchesInFlight: Limit;
  /** Commands other than FETCH at Faktory. */
  readonly commandsInFlight: Limit;
  /** Admitted clients of one worker. */
  readonly perWorker: Limit;
  /** Admitted clients from one address. */
  readonly perAddress: Limit;
  /** Clients in the waiting line. */
  readonly waitingLine: Limit;

  /** `isEnforced`: false with observe_only. */
  constructor(configured: ConfiguredLimits, isEnforced: boolean) {
    this.clients = new Limit(configured.clients, isEnforced);
    this.handshakes = new Limit(configured.handshakes, isEnforced);
    this.serverConnections = new Limit(configured.serverConnections, isEnforced);
    this.producerReserve = new Live(configured.producerReserve);
    this.fetchesInFlight = new Limit(configured.fetchesInFlight, isEnforced);
    this.commandsInFlight = new Limit(configured.commandsInFlight, isEnforced);
    this.perWorker = new Limit(zeroIsNone(configured.perWorker), isEnforced);
    this.perAddress = new Limit(zeroIsNone(configured.perAddress), isEnforced);
    this.waitingLine = new Limit(configured.waitingLine, isEnforced);
  }

  /** Whether the limits hold clients back. */
  get areEnforced(): boolean {
    return this.serverConnections.isEnforced;
  }

  /** Takes over what a configuration says now. */
  apply(configured: ConfiguredLimits, isEnforced: boolean): void {
    // First: a raised limit wakes clients that wait, and they ask for their share.
    this.producerReserve.replace(configured.producerReserve);
    for (const [limit, value] of [
      [this.clients, configured.clients],
      [this.handshakes, configured.handshakes],
      [this.serverConnections, configured.serverConnections],
      [this.fetchesInFlight, configured.fetchesInFlight],
      [this.commandsInFlight, configured.commandsInFlight],
      [this.perWorker, zeroIsNone(configured.perWorker)],
      [this.perAddress, zeroIsNone(configured.perAddress)],
      [this.waitingLine, configured.waitingLine],
    ] as const) {
      limit.enforce(isEnforced);
      limit.set('configured', value);
    }
  }
}

function zeroIsNone(limit: number): number {
  return limit === 0 ? Infinity : limit;
}
