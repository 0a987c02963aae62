// INFO and the first PUSH to a queue are kept apart.

import t from 'tap';
import { LaneCounts } from '../../src/lanes/lane-counts.ts';
import { HELD_AT_MOST_MS, NewQueues, WAITS_AT_MOST_MS } from '../../src/lanes/new-queues.ts';
import { Command, verbOf } from '../../src/protocol/command.ts';
import { FakeClock } from '../support/fake-clock.ts';

class House {
  readonly clock = new FakeClock();
  readonly counts = new LaneCounts();
  readonly atFaktory = new Set<Command>();
  forced = 0;
  released = 0;
  readonly newQueues = new NewQueues({
    clock: this.clock,
    counts: this.counts,
    atFaktory: () => this.atFaktory,
    onForced: () => void (this.forced += 1),
  });

  constructor() {
    this.newQueues.onReleased(() => void (this.released += 1));
  }

  get mayAsk(): boolean {
    return this.newQueues.mayAsk(this.clock.now());
  }

  send(text: string): Command {
    const command = commandOf(text);
    this.atFaktory.add(command);
    return command;
  }
}

function commandOf(text: string): Command {
  const line = Buffer.from(`${text}\r\n`);
  return new Command(verbOf(line), line, 0, { onReply: () => {}, onLost: () => {} });
}

const PUSH_A = 'PUSH {"queue":"a"}';
const PUSH_B = 'PUSH {"queue":"b"}';

t.test('INFO waits for a PUSH to a queue that Faktory has not named', async (t) => {
  const house = new House();
  t.equal(house.mayAsk, true);
  house.newQueues.asked();
  house.newQueues.over(['a']);
  const known = house.send(PUSH_A);
  t.equal(house.mayAsk, true, 'a queue that INFO named');
  const first = house.send(PUSH_B);
  t.equal(house.mayAsk, false);
  house.atFaktory.delete(known);
  t.equal(house.mayAsk, false);
  house.atFaktory.delete(first);
  house.send(PUSH_B);
  t.equal(house.mayAsk, true, 'the first PUSH to it has been answered');
});

for (const line of [
  'PUSHB [{"queue":"a"},{"queue":"b"}]',
  'PUSH {"queue":1}',
  'QUEUE REMOVE a',
  'MUTATE {"cmd":"requeue","target":"retries"}',
  `PUSH {"queue":"a","args":["${'x'.repeat(128 * 1024)}"]}`,
]) {
  t.test(`INFO waits for ${line.slice(0, 40)}`, async (t) => {
    const house = new House();
    house.newQueues.over(['a']);
    const command = house.send(line);
    t.equal(house.mayAsk, false);
    house.atFaktory.delete(command);
    t.equal(house.mayAsk, true);
  });
}

t.test('INFO waits for no other command', async (t) => {
  const house = new House();
  house.newQueues.over(['a']);
  for (const line of ['ACK {}', 'FAIL {}', 'BEAT {}', 'FETCH b', 'PUSHB []']) house.send(line);
  t.equal(house.mayAsk, true);
});

t.test('INFO does not wait for ever: it is asked, counted and told', async (t) => {
  const house = new House();
  let queues = 0;
  const pushNext = (): void => {
    queues += 1;
    house.atFaktory.clear();
    house.send(`PUSH {"queue":"q${queues}"}`);
  };
  for (let waited = 0; waited < WAITS_AT_MOST_MS; waited += 100) {
    pushNext();
    t.equal(house.mayAsk, false);
    house.clock.advance(100);
  }
  pushNext();
  t.equal(house.mayAsk, true);
  t.same([house.forced, house.counts.infosForced.total], [1, 1]);
  pushNext();
  t.equal(house.mayAsk, false, 'the next one waits again');
});

t.test('while INFO is at Faktory, only a PUSH to an unknown queue waits', async (t) => {
  const house = new House();
  const { newQueues } = house;
  newQueues.over(['a']);
  t.equal(newQueues.holds(commandOf(PUSH_B)), false, 'no INFO');
  newQueues.asked();
  t.equal(newQueues.isHolding, true);
  t.equal(newQueues.holds(commandOf(PUSH_A)), false);
  t.equal(newQueues.holds(commandOf(PUSH_B)), true);
  t.equal(newQueues.holds(commandOf('PUSHB [{"queue":"a"},{"queue":"b"}]')), true);
  t.equal(newQueues.holds(commandOf('FAIL {}')), false);
  newQueues.over(null);
  t.same([newQueues.isHolding, house.released], [false, 1]);
  t.equal(newQueues.holds(commandOf(PUSH_B)), false);
  house.clock.advance(HELD_AT_MOST_MS);
  t.equal(house.released, 1, 'once');
});

t.test('a PUSH waits for a slow INFO no longer than the bound', async (t) => {
  const house = new House();
  house.newQueues.asked();
  house.clock.advance(HELD_AT_MOST_MS - 1);
  t.equal(house.newQueues.holds(commandOf(PUSH_B)), true);
  house.clock.advance(1);
  t.same([house.newQueues.holds(commandOf(PUSH_B)), house.released], [false, 1]);
  house.newQueues.over(['a']);
  t.equal(house.released, 1);
});
