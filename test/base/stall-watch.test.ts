// What a peer does not take: seen in time, whatever else the peer does, and not seen where it takes all.

import t from 'tap';
import { StallWatch, type Watched } from '../../src/base/stall-watch.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TIMEOUT_MS = 5000;

class Peer implements Watched {
  readonly #watch: StallWatch;
  readonly #clock: FakeClock;
  written = 0;
  untaken = 0;
  stalledAt: number | null = null;

  constructor(watch: StallWatch, clock: FakeClock) {
    this.#watch = watch;
    this.#clock = clock;
  }

  write(bytes: number): void {
    this.written += bytes;
    this.untaken += bytes;
    this.#watch.watch(this);
  }

  stalled(): void {
    this.stalledAt = this.#clock.now();
  }
}

function house(timeoutMs = TIMEOUT_MS): { clock: FakeClock; watch: StallWatch; peer: Peer } {
  const clock = new FakeClock();
  const watch = new StallWatch(clock, () => timeoutMs);
  return { clock, watch, peer: new Peer(watch, clock) };
}

for (const timeoutMs of [500, 5000, 30_000]) {
  t.test(
    `a peer that takes nothing is stalled after ${timeoutMs} ms, not twice that`,
    async (t) => {
      const { clock, watch, peer } = house(timeoutMs);
      peer.write(10);
      clock.advance(timeoutMs - 1);
      t.equal(peer.stalledAt, null);
      clock.advance(1);
      t.equal(peer.stalledAt, timeoutMs);
      t.equal(watch.size, 0);
      t.equal(clock.timers, 0);
    },
  );
}

t.test('a byte taken now and then does not help', async (t) => {
  const { clock, peer } = house();
  peer.write(1000);
  while (peer.stalledAt === null && clock.now() < 3 * TIMEOUT_MS) {
    clock.advance(100);
    peer.untaken -= 1;
  }
  t.equal(peer.stalledAt, TIMEOUT_MS);
});

t.test('bytes behind those that were taken have their own time', async (t) => {
  const { clock, peer } = house();
  peer.write(100);
  clock.advance(3000);
  peer.write(100);
  clock.advance(1000);
  peer.untaken = 100;
  clock.advance(TIMEOUT_MS - 1001);
  t.equal(peer.stalledAt, null);
  clock.advance(TIMEOUT_MS / 10 + 1000);
  const at = peer.stalledAt ?? 0;
  t.ok(at >= 3000 + TIMEOUT_MS && at <= 3000 + 1.1 * TIMEOUT_MS, `at ${at}`);
});

t.test('a peer that lags and takes each byte in time is never stalled', async (t) => {
  const { clock, watch, peer } = house();
  const lagMs = 4000;
  const written: number[] = [];
  for (let turn = 0; turn < 500; turn += 1) {
    peer.write(10);
    written.push(peer.written);
    const taken = turn * 100 < lagMs ? 0 : (written[turn - lagMs / 100] ?? 0);
    peer.untaken = peer.written - taken;
    clock.advance(100);
  }
  t.equal(peer.stalledAt, null);
  peer.untaken = 0;
  clock.advance(1000);
  t.equal(watch.size, 0);
  t.equal(clock.timers, 0, 'no timer runs while nothing is untaken');
});

t.test('with 0 there is no bound', async (t) => {
  const { clock, peer } = house(0);
  peer.write(10);
  clock.advance(1_000_000);
  t.equal(peer.stalledAt, null);
});

t.test('one that is forgotten is not told', async (t) => {
  const { clock, watch, peer } = house();
  const other = new Peer(watch, clock);
  peer.write(10);
  other.write(10);
  watch.forget(peer);
  clock.advance(TIMEOUT_MS);
  t.equal(peer.stalledAt, null);
  t.equal(other.stalledAt, TIMEOUT_MS);
});
