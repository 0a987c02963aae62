// A bouncer in pooled mode in memory, for tests that drive its turns one by one.

import { configFor } from '../../support/bouncer.ts';
import { MemoryHouse } from '../../support/memory-house.ts';

export interface HouseOptions {
  readonly random: () => number;
  readonly serverConnections: number;
  readonly producerReserve: number;
  readonly commandConnections: number;
  /** Whether PUSHes may travel as one PUSHB. */
  readonly bulkPush?: boolean;
  readonly fetchesPerWorker: number;
  /** As many as fetchesPerWorker unless the test says otherwise. */
  readonly fetchesPerWorkerMax?: number;
  readonly fetchesInFlight: number;
}

/** Small enough for every limit to be met. */
export const IN_MEMORY: HouseOptions = {
  random: () => 0.5,
  serverConnections: 20,
  producerReserve: 5,
  commandConnections: 1,
  fetchesPerWorker: 1,
  fetchesInFlight: 8,
};

export class PooledHouse extends MemoryHouse {
  /** Listens, and begins to dial Faktory. */
  static open(options: HouseOptions): Promise<PooledHouse> {
    const overrides = {
      mode: 'pooled',
      'limits.server_connections': options.serverConnections,
      'limits.producer_reserve': options.producerReserve,
      'limits.fetches_in_flight': options.fetchesInFlight,
      'limits.buffered_bytes': '1MiB',
      max_command_bytes: '1MiB',
      'waiting_line.size': 100,
      'pool.command_connections': options.commandConnections,
      'pool.fetches_per_worker': options.fetchesPerWorker,
      'pool.fetches_per_worker_max': options.fetchesPerWorkerMax ?? options.fetchesPerWorker,
      'pool.bulk_push': options.bulkPush ?? false,
      'server.info_interval': '0s',
    };
    return new PooledHouse(configFor({ port: 1, overrides }), options.random).start();
  }
}
