// Where writes wait: each for as long as it may, counted from when it was read.

import t from 'tap';
import { Live } from '../../src/base/live.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import { NewQueues } from '../../src/lanes/new-queues.ts';
import { type HeldWrite, WriteGate } from '../../src/lanes/write-gate.ts';
import { WriteHealth } from '../../src/server/write-health.ts';
import { FakeClock } from '../support/fake-clock.ts';

const OUTAGE_WAIT_MS = 4000;

class Scene {
  readonly clock = new FakeClock();
  readonly counts = new LaneCounts();
  readonly health = new WriteHealth(
    new Live({ lateReply: 'on', hang: 'on', refused: 'on', probeIntervalMs: 0 } as const),
  );
  readonly gate = new WriteGate({
    clock: this.clock,
    settings: new Live({
      outageWaitMs: OUTAGE_WAIT_MS,
      bulkPush: false,
      fetchesPerWorker: 1,
      fetchesPerWorkerMax: 1,
      lingerMs: 0,
      holdMs: 0,
    }),
    counts: this.counts,
    health: this.health,
    newQueues: new NewQueues({
      clock: this.clock,
      counts: this.counts,
      atFaktory: () => [],
      onForced: () => {},
    }),
    onBug: (error) => {
      throw error;
    },
  });

  constructor() {
    this.health.sawTrouble(0, { kind: 'refused', reason: 'MISCONF' });
  }

  /** A client that has sent `left` writes at `readAt`: each is held when the one before it is refused. */
  sends(left: number, readAt: number): void {
    const write: HeldWrite = {
      readAt,
      isWorthSending: true,
      goOn: () => {},
      refuse: () => {
        if (left > 1) this.sends(left - 1, readAt);
      },
    };
    this.gate.hold(write);
  }

  get refused(): number {
    return this.counts.writesRefused.values.refusing;
  }
}

t.test('what a client sent behind a refused write has waited as long', async (t) => {
  const scene = new Scene();
  scene.sends(100, 0);
  scene.sends(1, 0);
  scene.clock.advance(3000);
  scene.sends(2, 3000);
  scene.clock.advance(1000);
  t.equal(scene.refused, 0);
  t.equal(scene.gate.held, 3);
  scene.clock.advance(100);
  t.equal(scene.refused, 101, 'all of them, and at once');
  t.equal(scene.gate.held, 1);
  scene.clock.advance(3000);
  t.equal(scene.refused, 103);
  t.equal(scene.gate.held, 0);
});
