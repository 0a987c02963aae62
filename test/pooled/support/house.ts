// What the stand-in tests of pooled mode begin with.

import type { Test } from 'tap';
import type { Clock } from '../../../src/base/clock.ts';
import { held, type HeldHouse, type House, openHouse } from '../../session/house.ts';
import type { Overrides } from '../../support/bouncer.ts';
import { until } from '../../support/waiting.ts';
import type { StandInOptions } from '../../support/stand-in-faktory.ts';

/** Two command connections unless the test says otherwise, and all of them are open. */
export async function openPooled(
  t: Test,
  overrides: Overrides = {},
  standIn: StandInOptions = {},
  clock?: Clock,
): Promise<House> {
  const commandConnections = Number(overrides['pool.command_connections'] ?? 2);
  const house = await openHouse(
    t,
    { mode: 'pooled', 'pool.command_connections': commandConnections, ...overrides },
    { fetchBlockMs: 500, ...standIn },
    clock,
  );
  const all = commandConnections + 1;
  await until(() => house.faktory.connectionsOf('').length === all, { what: 'the command lane' });
  return house;
}

/** The same; time stands until the test moves it, and a FETCH at Faktory blocks until the test ends it. */
export function openPooledHeld(
  t: Test,
  overrides: Overrides = {},
  standIn: StandInOptions = {},
): Promise<HeldHouse> {
  return held(openPooled, t, overrides, standIn);
}

/** Numbers of the connections on which commands have come. */
export function connectionsWith(house: House, verb: string): number[] {
  const lines = house.faktory.received.filter(({ line }) => line.startsWith(verb));
  return [...new Set(lines.map(({ connection }) => connection))];
}
