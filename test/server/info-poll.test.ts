// When Faktory is asked for INFO, and what becomes of its answers.

import t from 'tap';
import { CountBy } from '../../src/base/counters.ts';
import { Live } from '../../src/base/live.ts';
import type { Command } from '../../src/protocol/command.ts';
import { INFO_OUTCOMES, InfoPoll } from '../../src/server/info-poll.ts';
import { FakeClock } from '../support/fake-clock.ts';

const INTERVAL_MS = 5000;
const INFO = {
  server: { faktory_version: '1.7.0', uptime: 1, connections: 2, command_count: 3 },
  faktory: { total_queues: 4, total_enqueued: 5, total_processed: 6, total_failures: 7 },
};

class House {
  readonly clock = new FakeClock();
  readonly settings = new Live({ infoIntervalMs: INTERVAL_MS });
  readonly outcomes = new CountBy(INFO_OUTCOMES);
  readonly asked: Command[] = [];
  isOpen = true;
  mayAsk = true;
  /** What the guard was told. */
  readonly guarded: unknown[] = [];
  readonly poll = new InfoPoll({
    clock: this.clock,
    settings: this.settings,
    outcomes: this.outcomes,
    ask: (command) => {
      if (this.isOpen) this.asked.push(command);
      return this.isOpen;
    },
    guard: {
      mayAsk: () => this.mayAsk,
      asked: () => void this.guarded.push('asked'),
      over: (queues) => void this.guarded.push(queues),
    },
  });

  answer(text = bulk(JSON.stringify(INFO))): void {
    const command = this.asked.at(-1);
    command?.sink.onReply(command, Buffer.from(text), true);
  }

  /** One round: it is asked when it is due, and answered so much later. */
  answerAfter(ms: number): void {
    this.clock.advance(ms);
    this.answer();
  }
}

function bulk(text: string): string {
  return `$${text.length}\r\n${text}\r\n`;
}

t.test('it is asked at once, then at the interval, one at a time', async (t) => {
  const house = new House();
  house.poll.opened();
  t.equal(house.asked.length, 1);
  house.clock.advance(INTERVAL_MS);
  t.equal(house.asked.length, 1, 'the first is not answered');
  house.answer();
  house.clock.advance(INTERVAL_MS - 1);
  t.equal(house.asked.length, 1);
  house.clock.advance(1);
  t.equal(house.asked.length, 2);
});

t.test('what was said holds for three intervals', async (t) => {
  const { poll, clock, ...house } = new House();
  t.equal(poll.info(clock.now()), null);
  poll.opened();
  const [command] = house.asked;
  command?.sink.onReply(command, Buffer.from(bulk(JSON.stringify(INFO))), true);
  house.settings.replace({ infoIntervalMs: INTERVAL_MS });
  t.match(poll.info(3 * INTERVAL_MS), { version: '1.7.0', enqueued: 5 });
  t.equal(poll.info(3 * INTERVAL_MS + 1), null);
  t.strictSame(house.outcomes.values.read, 1);
});

t.test('a slow answer doubles the interval, to a minute; a quick one restores it', async (t) => {
  const house = new House();
  house.poll.opened();
  const gaps: number[] = [];
  for (let round = 0; round < 6; round += 1) {
    const askedAt = house.clock.now();
    house.answerAfter(1001);
    const before = house.asked.length;
    while (house.asked.length === before) house.clock.advance(1);
    gaps.push(Math.round((house.clock.now() - askedAt) / 1000));
  }
  t.strictSame(gaps, [5, 10, 20, 40, 60, 60]);
  house.answerAfter(1000);
  house.clock.advance(60_000);
  const before = house.asked.length;
  house.answer();
  house.clock.advance(INTERVAL_MS);
  t.equal(house.asked.length, before + 1);
});

t.test('what was said holds longer while Faktory is asked less often', async (t) => {
  const house = new House();
  house.poll.opened();
  house.answerAfter(1001);
  t.not(house.poll.info(house.clock.now() + 6 * INTERVAL_MS), null);
});

t.test('while a PUSH to a new queue is on its way, INFO waits', async (t) => {
  const house = new House();
  house.mayAsk = false;
  house.poll.opened();
  house.clock.advance(1000);
  t.equal(house.asked.length, 0);
  house.mayAsk = true;
  house.clock.advance(100);
  t.equal(house.asked.length, 1);
});

t.test('an answer that is too long is dropped, and says so in its count', async (t) => {
  const house = new House();
  house.poll.opened();
  const [command] = house.asked;
  command?.sink.onReply(command, Buffer.from('$100000\r\n{'), false);
  house.answer('}\r\n');
  t.strictSame(house.outcomes.values, { read: 0, too_long: 1, error: 0, unreadable: 0, lost: 0 });
  t.equal(house.poll.info(0), null);
  house.clock.advance(INTERVAL_MS);
  house.answer();
  t.equal(house.outcomes.values.read, 1, 'the next one may be short again');
});

t.test('an error, what is no INFO and a loss are counted apart', async (t) => {
  const house = new House();
  house.poll.opened();
  house.answer('-ERR redis: connection pool timeout\r\n');
  house.clock.advance(INTERVAL_MS);
  house.answer(bulk('{}'));
  house.clock.advance(INTERVAL_MS);
  house.answer('+OK\r\n');
  house.clock.advance(INTERVAL_MS);
  const command = house.asked.at(-1);
  command?.sink.onLost(command, 'unanswered');
  t.strictSame(house.outcomes.values, { read: 0, too_long: 0, error: 1, unreadable: 2, lost: 1 });
  house.clock.advance(INTERVAL_MS);
  t.equal(house.asked.length, 5, 'and it goes on');
});

t.test('with 0s it is never asked, until a reload says otherwise', async (t) => {
  const house = new House();
  house.settings.replace({ infoIntervalMs: 0 });
  house.poll.opened();
  house.clock.advance(60_000);
  t.equal(house.asked.length, 0);
  house.settings.replace({ infoIntervalMs: INTERVAL_MS });
  house.clock.advance(5000);
  t.equal(house.asked.length, 1);
});

t.test(
  'a new connection asks at once, and goes on with one timer; stopped, with none',
  async (t) => {
    const house = new House();
    house.poll.opened();
    house.isOpen = false;
    const command = house.asked.at(-1);
    command?.sink.onLost(command, 'unanswered');
    house.clock.advance(INTERVAL_MS);
    t.equal(house.asked.length, 1);
    house.isOpen = true;
    house.poll.opened();
    t.equal(house.asked.length, 2);
    t.equal(house.clock.timers, 1);
    house.poll.stop();
    t.equal(house.clock.timers, 0);
  },
);

t.test('the guard hears when INFO is at Faktory, and which queues there are', async (t) => {
  const house = new House();
  house.isOpen = false;
  house.poll.opened();
  t.same(house.guarded, []);
  house.isOpen = true;
  house.clock.advance(INTERVAL_MS);
  t.same(house.guarded, ['asked']);
  const faktory = { ...INFO.faktory, queues: { a: 0, b: 2 } };
  house.answer(bulk(JSON.stringify({ ...INFO, faktory })));
  house.clock.advance(INTERVAL_MS);
  house.answer('-ERR of a test\r\n');
  house.clock.advance(INTERVAL_MS);
  const command = house.asked.at(-1);
  command?.sink.onLost(command, 'unanswered');
  t.same(house.guarded, ['asked', ['a', 'b'], 'asked', null, 'asked', null]);
});

t.test(
  'who asks beside the interval hears of an INFO that was sent after the question',
  async (t) => {
    const house = new House();
    house.poll.opened();
    const heard: (number | null)[] = [];
    house.poll.askFor((info) => heard.push(info?.connections ?? null));
    t.equal(house.asked.length, 1, 'one at a time');
    house.answer(bulk(JSON.stringify({ ...INFO, server: { ...INFO.server, connections: 9 } })));
    t.strictSame(heard, [], 'that one was on its way before');
    t.equal(house.asked.length, 2);
    house.answer();
    t.strictSame(heard, [2]);
    t.equal(house.asked.length, 2);
  },
);

t.test('who asks hears null when the connection is lost or not open', async (t) => {
  const house = new House();
  const heard: unknown[] = [];
  house.poll.askFor((info) => heard.push(info));
  const command = house.asked.at(-1);
  if (command !== undefined) command.sink.onLost(command, 'unanswered');
  t.strictSame(heard, [null]);
  house.isOpen = false;
  house.poll.askFor((info) => heard.push(info));
  t.strictSame(heard, [null, null]);
});

t.test('who asks waits for the guard', async (t) => {
  const house = new House();
  house.mayAsk = false;
  const heard: unknown[] = [];
  house.poll.askFor((info) => heard.push(info === null));
  house.clock.advance(1000);
  t.equal(house.asked.length, 0);
  house.mayAsk = true;
  house.clock.advance(100);
  house.answer();
  t.strictSame(heard, [false]);
});
