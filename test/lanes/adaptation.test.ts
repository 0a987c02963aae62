// How the adaptive limit is driven: when it measures and decides, and whose limits it moves.

import t from 'tap';
import { Limit } from '../../src/base/limit.ts';
import { Live } from '../../src/base/live.ts';
import { Adaptation, type AdaptiveSettings } from '../../src/lanes/adaptation.ts';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import { RoundTrips } from '../../src/lanes/round-trips.ts';
import { Pause } from '../../src/server/pause.ts';
import { FakeClock } from '../support/fake-clock.ts';

const TICK_MS = 200;

/** An adaptation before a server that takes as long as the test says. */
class House {
  readonly clock = new FakeClock();
  readonly settings: Live<AdaptiveSettings>;
  readonly fetches = new Limit(100);
  readonly commands = new Limit(50);
  readonly pause = new Pause();
  readonly counts = new LaneCounts();
  readonly adaptation: Adaptation;
  readonly done = { answered: 0, workedMs: 0 };
  errors = 0;
  isHanging = false;
  isMeasuring = false;

  constructor(settings: AdaptiveSettings) {
    this.settings = new Live(settings);
    this.adaptation = new Adaptation({
      clock: this.clock,
      settings: this.settings,
      fetchesInFlight: this.fetches,
      commandsInFlight: this.commands,
      measured: {
        measure: (isOn) => (this.isMeasuring = isOn),
        workDone: () => ({ ...this.done }),
        inFlight: () => 10,
        unansweredMs: () => 0,
        errors: () => this.errors,
        hangs: () => this.isHanging,
      },
      pause: this.pause,
      counts: this.counts,
    });
    this.adaptation.start();
  }

  /** Ticks, in each of which 20 commands are answered after `ms`. */
  answer(ms: number, ticks: number): void {
    for (let i = 0; i < ticks; i += 1) {
      this.done.answered += 20;
      this.done.workedMs += 20 * ms;
      this.clock.advance(TICK_MS);
    }
  }

  configure(settings: AdaptiveSettings): void {
    this.settings.replace(settings);
    this.adaptation.settingsChanged();
  }
}

t.test('while it is off nothing is measured and no timer runs', async (t) => {
  const house = new House({ isOn: false, min: 4 });
  t.equal(house.clock.timers, 0);
  t.notOk(house.isMeasuring);
  t.equal(house.adaptation.facts, null);
  house.configure({ isOn: false, min: 5 });
  t.equal(house.clock.timers, 0);
});

t.test(
  'a slow server lowers FETCHes at once, to the floor, and a fast one raises them',
  async (t) => {
    const house = new House({ isOn: true, min: 4 });
    t.ok(house.isMeasuring);
    house.answer(10, 20);
    t.same(house.adaptation.facts, {
      fetchesInFlight: 100,
      commandsInFlight: 50,
      shortMs: 10,
      longMs: 10,
    });
    house.answer(100, 40);
    t.equal(house.fetches.value, 4);
    t.notOk(house.fetches.hasRoom(4));
    t.ok(house.fetches.hasRoom(3));
    t.equal(house.commands.value, 50);
    t.ok(house.counts.adaptiveDecisions.values.lower > 0);
    house.answer(10, 100);
    t.equal(house.fetches.value, 100);
    t.ok(house.counts.adaptiveDecisions.values.raise > 0);
  },
);

t.test('a reload switches it off and on: the limits are the configured ones at once', async (t) => {
  const house = new House({ isOn: true, min: 4 });
  house.answer(10, 20);
  house.answer(100, 40);
  let woken = 0;
  house.fetches.onRaised(() => (woken += 1));
  house.configure({ isOn: false, min: 4 });
  t.equal(house.fetches.value, 100);
  t.equal(woken, 1, 'what waits is told');
  t.equal(house.clock.timers, 0);
  t.notOk(house.isMeasuring);
  t.equal(house.adaptation.facts, null);
  house.configure({ isOn: true, min: 4 });
  t.ok(house.isMeasuring);
  house.answer(100, 20);
  t.equal(house.fetches.value, 100, 'what was usual is learned again');
});

t.test('stopped, it stays so, whatever is reloaded', async (t) => {
  const house = new House({ isOn: true, min: 4 });
  house.answer(10, 20);
  house.answer(100, 40);
  house.adaptation.stop();
  t.equal(house.fetches.value, 100);
  house.configure({ isOn: true, min: 5 });
  t.equal(house.clock.timers, 0);
});

t.test(
  'a reload of the floor, and a lower configured limit, hold from the next tick',
  async (t) => {
    const house = new House({ isOn: true, min: 4 });
    house.answer(10, 20);
    house.answer(100, 40);
    house.configure({ isOn: true, min: 8 });
    house.answer(100, 1);
    t.equal(house.fetches.value, 8);
    house.fetches.set('configured', 2);
    house.answer(100, 1);
    t.equal(house.fetches.value, 2, 'it is below the floor');
    house.fetches.set('configured', 100);
    house.fetches.set('leased', 50);
    house.answer(10, 100);
    t.equal(house.fetches.value, 50);
    t.equal(house.adaptation.facts?.fetchesInFlight, 50);
  },
);

t.test('errors, and a server that is taken to hang, lower the limits', async (t) => {
  const house = new House({ isOn: true, min: 4 });
  house.answer(10, 20);
  house.errors += 1;
  house.clock.advance(TICK_MS);
  t.equal(house.fetches.value, 70);
  house.isHanging = true;
  house.clock.advance(TICK_MS);
  t.equal(house.fetches.value, 49);
  t.equal(house.counts.adaptiveDecisions.values.back_off, 2);
});

t.test('during a pause nothing is decided, and what came meanwhile does not count', async (t) => {
  const house = new House({ isOn: true, min: 4 });
  house.answer(10, 20);
  house.pause.set(true);
  house.fetches.set('paused', 0);
  house.answer(1000, 20);
  house.fetches.set('paused', Infinity);
  house.pause.set(false);
  t.equal(house.fetches.value, 100);
  house.answer(10, 1);
  t.equal(house.adaptation.facts?.shortMs, 10);
});

t.test('of session mode, PUSH, ACK and FAIL count; FETCH, BEAT and the rest do not', async (t) => {
  const trips = new RoundTrips();
  for (const verb of ['PUSH', 'ACK', 'FAIL', 'FETCH', 'BEAT', 'PUSHB', 'INFO'] as const) {
    trips.answered(verb, 5);
  }
  t.same(trips.done, { answered: 3, workedMs: 15 });
});
