// Whether FETCHes find jobs or wait for them.

import t from 'tap';
import { FetchFlow, foundWithinMs } from '../../src/lanes/fetch-flow.ts';

/** A set whose last FETCHes took so long; null: one that brought nil. */
function after(tookMs: readonly (number | null)[]): FetchFlow {
  const flow = new FetchFlow();
  for (const took of tookMs) flow.replied(took !== null, took ?? 2000, 0);
  return flow;
}

t.test('two FETCHes that found jobs are no flow, three are', async (t) => {
  t.equal(after([1, 1]).isFlowing(0, 250), false);
  t.equal(after([1, 1, 1]).isFlowing(0, 250), true);
});

t.test('nil ends it, and so does a job that was waited for', async (t) => {
  t.equal(after([1, 1, 1, null]).isFlowing(0, 250), false);
  t.equal(after([1, 1, null, 1, 1]).isFlowing(0, 250), false);
  t.equal(after([1, 1, 249]).isFlowing(0, 250), true);
  t.equal(after([1, 1, 250]).isFlowing(0, 250), false);
  t.equal(after([250, 1, 1, 1]).isFlowing(0, 250), true, 'three since then');
});

t.test('it is over when Faktory has answered none for 100 ms', async (t) => {
  const flow = after([1, 1, 1]);
  t.equal(flow.isFlowing(99, 250), true);
  t.equal(flow.isFlowing(100, 250), false);
});

t.test('what was measured counts when it is known how slow the server is', async (t) => {
  const flow = after([500, 500, 500]);
  t.equal(flow.isFlowing(0, foundWithinMs(0)), false);
  t.equal(flow.isFlowing(0, foundWithinMs(250)), false);
  t.equal(flow.isFlowing(0, foundWithinMs(251)), true);
  t.equal(foundWithinMs(1), 250);
});
