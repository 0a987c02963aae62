// The order in which commands wait.

import t from 'tap';
import { WaitingCommands } from '../../src/lanes/waiting-commands.ts';

function drain<T>(line: { shift(): T | undefined }): T[] {
  const all: T[] = [];
  for (let next = line.shift(); next !== undefined; next = line.shift()) all.push(next);
  return all;
}

t.test('PUSHes that travel together no more wait by their age', async (t) => {
  const waiting = new WaitingCommands<{ readAt: number; name: string }>();
  for (const readAt of [2, 4, 9]) waiting.quick.push({ readAt, name: `quick ${readAt}` });
  for (const readAt of [1, 3, 4, 10]) waiting.pushes.push({ readAt, name: `push ${readAt}` });
  waiting.ungather();
  t.equal(waiting.pushes.length, 0);
  t.same(
    drain(waiting.quick).map(({ name }) => name),
    ['push 1', 'quick 2', 'push 3', 'quick 4', 'push 4', 'quick 9', 'push 10'],
  );
});

t.test(
  'those older than an instant are taken out of each line, one that was sent again too',
  async (t) => {
    const waiting = new WaitingCommands<{ readAt: number }>();
    for (const readAt of [5, 1]) waiting.quick.push({ readAt });
    for (const readAt of [2, 6]) waiting.pushes.push({ readAt });
    t.same(
      waiting.takeOlderThan(5).map(({ readAt }) => readAt),
      [1, 2],
    );
    t.equal(waiting.length, 2);
  },
);
