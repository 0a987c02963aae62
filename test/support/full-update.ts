// An update of a busy bouncer, as /api/events sends it, for the tests of what shows one.

import type { Producer, Update, Worker } from '../../src/admin/schemas.ts';
import { stateOf } from '../../src/admin/state-view.ts';
import { operatedStub } from '../admin/support/admin-house.ts';
import { fullSnapshot } from './full-snapshot.ts';

export function worker(changes: Partial<Worker> = {}): Worker {
  return {
    wid: 'w1',
    host: 'host-1',
    pid: 4711,
    labels: ['go'],
    address: '10.0.0.1',
    connections: 10,
    waiting: 0,
    oldest_wait_seconds: 0,
    fetches_in_flight: 1,
    fetches_waiting: 2,
    connected_seconds: 3700,
    commands: 1234,
    ...changes,
  };
}

export function producer(changes: Partial<Producer> = {}): Producer {
  return {
    address: '10.0.0.9',
    connections: 3,
    waiting: 0,
    oldest_wait_seconds: 0,
    outstanding: 1,
    connected_seconds: 5,
    commands: 99,
    bytes_received: 5000,
    ...changes,
  };
}

export function fullUpdate(
  workers: readonly Worker[] = [worker()],
  producers: readonly Producer[] = [producer()],
): Update {
  return {
    state: stateOf(operatedStub(), fullSnapshot(), 0),
    workers: { total: workers.length, rows: workers },
    producers: { total: producers.length, rows: producers },
  };
}
