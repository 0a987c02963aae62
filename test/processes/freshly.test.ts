// What many ask for, and who gets which one.

import t from 'tap';
import { Freshly } from '../../src/processes/freshly.ts';

function scene(): {
  fresh: Freshly;
  begun: () => number;
  end: () => void;
  pass: (ms: number) => void;
} {
  let now = 0;
  let count = 0;
  let running = Promise.withResolvers<void>();
  const fresh = new Freshly({ now: () => now }, () => {
    count += 1;
    running = Promise.withResolvers<void>();
    return running.promise;
  });
  return {
    fresh,
    begun: () => count,
    end: () => running.resolve(),
    pass: (ms) => (now += ms),
  };
}

t.test('those that ask together share one, and so do those that ask soon after', async (t) => {
  const { fresh, begun, end, pass } = scene();
  const both = Promise.all([fresh.done(), fresh.done()]);
  end();
  await both;
  pass(49);
  await fresh.done();
  t.equal(begun(), 1);
  pass(1);
  const later = fresh.done();
  t.equal(begun(), 2);
  end();
  await later;
});

t.test(
  'one that takes long is of no use to those that ask late: they share the next',
  async (t) => {
    const { fresh, begun, end, pass } = scene();
    const first = fresh.done();
    pass(1000);
    const late = Promise.all([fresh.done(), fresh.done()]);
    end();
    await first;
    await Promise.resolve();
    await new Promise((resolve) => setImmediate(resolve));
    t.equal(begun(), 2);
    end();
    await late;
  },
);

t.test('what was begun before a change does not show it', async (t) => {
  const { fresh, begun, end } = scene();
  const first = fresh.done();
  fresh.forget();
  const after = fresh.done();
  end();
  await first;
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(begun(), 2);
  end();
  await after;
});
