// Things that a bouncer tells and that fail once: the log, a count, a socket. Promise: what is thrown
// is known for what it is, wherever it comes out.

import type { MemorySocket } from '../../support/memory-socket.ts';
import type { Scene } from './scene.ts';

export class SinkError extends Error {
  override readonly name = 'SinkError';
}

/** A count is a plain number, which never throws: one that does stands for a defect anywhere. */
export const SINKS = ['log', 'client write', 'server write', 'count'] as const;
const CHOSEN = SINKS.filter(
  (sink) => process.env['MODEL_SINKS']?.split(',').includes(sink) ?? true,
);

/** One of them throws when it is next told something. */
export function armSink(scene: Scene): void {
  const { dice, house } = scene;
  const sink = dice.pick(CHOSEN) ?? null;
  const thrown = (): SinkError => {
    scene.sinkThrew(sink ?? '');
    return new SinkError(`the ${sink} fails`);
  };
  switch (sink) {
    case 'log':
      house.onLogLine = () => {
        house.onLogLine = () => {};
        throw thrown();
      };
      return;
    case 'count':
      armCount(dice.pick(countersOf(house.counts)), thrown);
      return;
    case 'client write':
      armWrite(dice.pick(scene.here)?.socket.peer ?? null, thrown);
      return;
    case 'server write':
      armWrite(dice.pick([...house.faktory.connections])?.socket.peer ?? null, thrown);
      return;
    case null:
  }
}

interface Counter {
  readonly object: object;
  readonly method: 'add' | 'observeMs';
}

/** Every counter and histogram with a method of its own. */
function countersOf(counts: object): Counter[] {
  return Object.values(counts).flatMap((value: unknown): Counter[] => {
    if (typeof value !== 'object' || value === null) return [];
    if ('observeMs' in value) return [{ object: value, method: 'observeMs' }];
    if ('add' in value) return [{ object: value, method: 'add' }];
    return countersOf(value);
  });
}

function armCount(counter: Counter | undefined, thrown: () => SinkError): void {
  if (counter === undefined) return;
  const { object, method } = counter;
  Object.defineProperty(object, method, {
    configurable: true,
    value: () => {
      Reflect.deleteProperty(object, method);
      throw thrown();
    },
  });
}

function armWrite(socket: MemorySocket | null, thrown: () => SinkError): void {
  if (socket !== null) socket.writeError = thrown;
}
