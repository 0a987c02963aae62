// The steps of an end: none is left out.

import t from 'tap';
import { eachOf } from '../../src/base/each-of.ts';

t.test('each step is done, and what is thrown is told', async (t) => {
  const done: string[] = [];
  const errors: unknown[] = [];
  const fails = (what: string) => (): void => {
    throw new Error(what);
  };
  eachOf(
    (error) => errors.push(error),
    [fails('first'), () => done.push('a'), fails('second'), () => done.push('b')],
  );
  t.strictSame(done, ['a', 'b']);
  t.match(errors, [{ message: 'first' }, { message: 'second' }]);
});

t.test('a handler that throws ends the call', async (t) => {
  const throwAgain = (error: unknown): void => {
    throw error;
  };
  const fails = (): void => {
    throw new Error('of a step');
  };
  t.throws(() => eachOf(throwAgain, [fails, () => t.fail('the next step')]), {
    message: 'of a step',
  });
});
