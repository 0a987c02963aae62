// Rounds of SHA-256, on and off the event loop, and how long to wait before the next try.

import { equal } from 'node:assert/strict';
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { backoffMs } from '../../src/base/backoff.ts';
import { BugError, check } from '../../src/base/check.ts';
import { Hasher } from '../../src/base/hasher.ts';
import { iteratedSha256 } from '../../src/base/iterated-hash.ts';

/** As Faktory's clients do it: client/client.go hash(). */
function naively(text: string, rounds: number): string {
  let digest = createHash('sha256').update(text).digest();
  for (let round = 1; round < rounds; round += 1) {
    digest = createHash('sha256').update(digest).digest();
  }
  return digest.toString('hex');
}

t.test('one round of nothing is the known digest of nothing', async (t) => {
  t.equal(
    iteratedSha256('', 1),
    'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  );
});

t.test('each round is over the raw digest of the last', async (t) => {
  for (const rounds of [1, 2, 3, 1545, 4000]) {
    t.equal(
      iteratedSha256('foobar55104dc76695721d', rounds),
      naively('foobar55104dc76695721d', rounds),
    );
  }
  t.equal(iteratedSha256('pässwörd😀', 2), naively('pässwörd😀', 2));
});

t.test('for any text and number of rounds the digest is what node:crypto finds', async () => {
  const rounds = fc.integer({ min: 1, max: 60 });
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), rounds, (text, rounds) => {
      equal(iteratedSha256(text, rounds), naively(text, rounds));
    }),
    { numRuns: 300 },
  );
});

t.test('the thread answers every request with its own hash, in the order of asking', async (t) => {
  // The thread does not keep the process alive; the bouncer's listener does, and here this.
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => clearInterval(alive));
  const hasher = new Hasher();
  t.equal(hasher.waiting, 0);
  const order: number[] = [];
  const answers = [3000, 1, 500, 2].map(async (rounds, n) => {
    const hex = await hasher.iteratedSha256(`text ${n}`, rounds);
    order.push(n);
    return hex === naively(`text ${n}`, rounds);
  });
  t.equal(hasher.waiting, 4);
  t.strictSame(await Promise.all(answers), [true, true, true, true]);
  t.strictSame(order, [0, 1, 2, 3]);
  t.equal(hasher.waiting, 0);
  await hasher.close();
});

t.test(
  'closing forgets who waits, is harmless twice, and a later request is answered',
  async (t) => {
    const alive = setInterval(() => {}, 1000);
    t.teardown(() => clearInterval(alive));
    const hasher = new Hasher();
    await hasher.close();
    void hasher.iteratedSha256('never settles', 100_000).then(() => t.fail('it was answered'));
    await hasher.close();
    await hasher.close();
    t.equal(hasher.waiting, 0);
    t.equal(await hasher.iteratedSha256('x', 2), naively('x', 2));
    await hasher.close();
  },
);

t.test(
  'a thread that fails rejects all who wait, and the next request starts another',
  async (t) => {
    const alive = setInterval(() => {}, 1000);
    t.teardown(() => clearInterval(alive));
    const hasher = new Hasher();
    const broken = hasher.iteratedSha256(null as unknown as string, 2);
    const behind = hasher.iteratedSha256('x', 2);
    await t.rejects(broken, { name: 'TypeError' });
    await t.rejects(behind, { name: 'TypeError' });
    t.equal(hasher.waiting, 0);
    t.equal(await hasher.iteratedSha256('x', 2), naively('x', 2));
    await hasher.close();
  },
);

t.test(
  'a wait lies between half its nominal length and all of it, doubling to the longest',
  async (t) => {
    const backoff = { firstMs: 50, longestMs: 1000 };
    for (const [failures, nominal] of [
      [1, 50],
      [2, 100],
      [5, 800],
      [6, 1000],
      [7, 1000],
      [5000, 1000],
    ] as const) {
      t.equal(backoffMs(backoff, failures, 0), nominal / 2);
      t.ok(backoffMs(backoff, failures, 0.999) < nominal);
    }
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (f, r) => {
          const ms = backoffMs(backoff, f, r);
          return ms >= 25 && ms <= 1000;
        },
      ),
    );
  },
);

t.test(
  'a failed check is a BugError that asks for a report, one that holds is nothing',
  async (t) => {
    t.doesNotThrow(() => check(true, 'it holds'));
    t.throws(() => check(false, 'two replies for one command'), {
      name: 'BugError',
      message: /bug in faktory-bouncer.*two replies for one command/,
    });
    t.throws(() => check(false, ''), BugError);
  },
);
