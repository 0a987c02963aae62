// An open client's commands, between its lines and its lane: what is taken up when, what is answered
// here, and what becomes of the commands of a client that has left.

import t from 'tap';
import { CommandPump, type PumpClient } from '../../src/client/command-pump.ts';
import { ClientCounts } from '../../src/client/client-counts.ts';
import type { ClientEndReason } from '../../src/client/client-states.ts';
import type { ClientSettings } from '../../src/client/client-parts.ts';
import { CommandGuard } from '../../src/client/command-guard.ts';
import { Live } from '../../src/base/live.ts';
import { Lingering } from '../../src/base/lingering.ts';
import { StallWatch } from '../../src/base/stall-watch.ts';
import { Turns } from '../../src/base/turns.ts';
import type { Lane } from '../../src/lanes/lane.ts';
import { Command } from '../../src/protocol/command.ts';
import { LineBuffer } from '../../src/protocol/line-buffer.ts';
import type { Verb } from '../../src/protocol/verbs.ts';
import { clientSettings } from '../../src/settings.ts';
import { configFor } from '../support/bouncer.ts';
import { FakeClock } from '../support/fake-clock.ts';

class Client implements PumpClient {
  readonly identity = { address: '10.0.0.5', wid: 'w1', username: '' };
  takesReplies = true;
  hasLeft = false;
  readonly told: string[] = [];
  readonly ends: ClientEndReason[] = [];

  tell(bytes: Buffer): void {
    this.told.push(bytes.toString());
  }

  end(reason: ClientEndReason): void {
    this.ends.push(reason);
  }

  /** A producer's standing only, until it rises. */
  isWorker = true;
  risesAtOnce = true;

  mayWork(): boolean {
    return this.isWorker;
  }

  rise(): boolean {
    this.isWorker = this.risesAtOnce;
    return this.risesAtOnce;
  }
}

/** Notes what is submitted; `onSubmit` is called from within. */
class NotedLane implements Lane {
  readonly isShared = false;
  readonly submitted: Command[] = [];
  depth = 2;
  onSubmit: (command: Command) => void = () => {};

  accepts(outstanding: number): boolean {
    return outstanding < this.depth;
  }

  submit(verb: Verb, line: Buffer, readAt: number): void {
    const command = new Command(verb, line, readAt, { onReply: () => {}, onLost: () => {} });
    this.submitted.push(command);
    this.onSubmit(command);
  }

  pauseReplies(): void {}
  resumeReplies(): void {}
  releaseUnsentFetch(): void {}
  leave(): void {}
}

interface House {
  readonly client: Client;
  readonly lane: NotedLane;
  readonly pump: CommandPump;
  readonly bugs: unknown[];
  /** What the client sends. */
  readonly hear: (text: string) => void;
  /** The lines that have been submitted. */
  readonly lines: () => string[];
}

function openHouse(changes: Partial<ClientSettings> = {}): House {
  const clock = new FakeClock();
  const bugs: unknown[] = [];
  const onBug = (error: unknown): void => void bugs.push(error);
  const turns = new Turns(clock);
  const counts = new ClientCounts();
  const events = {
    refused: () => {},
    clientEnded: () => {},
    mismatch: () => {},
    reclaimed: () => {},
    guarded: () => {},
    bug: onBug,
  };
  const settings = new Live({
    ...clientSettings(configFor({ port: 1 })),
    maxCommandBytes: 1024,
    ...changes,
  });
  const parts = {
    wiring: {
      turns,
      stalls: new StallWatch(clock, () => 0),
      lingering: new Lingering(clock, 0),
      onBug,
    },
    counts,
    settings,
    events,
    commandGuard: new CommandGuard({ settings, counts, events }),
  };
  const client = new Client();
  const lane = new NotedLane();
  const buffer = new LineBuffer();
  const pump = new CommandPump(parts, client, buffer);
  pump.connect(lane);
  return {
    client,
    lane,
    pump,
    bugs,
    hear: (text) => {
      buffer.push(Buffer.from(text));
      pump.run(0);
    },
    lines: () => lane.submitted.map(({ line }) => line.toString().trimEnd()),
  };
}

t.test('as many as the lane accepts, and the next when one is answered', async (t) => {
  const { lane, pump, hear, lines } = openHouse();
  hear('INFO\nFLUSH\nSING\n');
  t.strictSame(lines(), ['INFO', 'FLUSH']);
  t.equal(pump.isFull, true);
  pump.answered(lane.submitted[0] as Command);
  pump.run(0);
  t.strictSame(lines(), ['INFO', 'FLUSH', 'SING']);
});

t.test('FETCH goes alone, and what is behind it waits for its reply', async (t) => {
  const { lane, pump, hear, lines } = openHouse();
  hear('INFO\nFETCH q\nFLUSH\n');
  t.strictSame(lines(), ['INFO']);
  pump.answered(lane.submitted[0] as Command);
  pump.run(0);
  t.strictSame(lines(), ['INFO', 'FETCH q']);
  pump.answered(lane.submitted[1] as Command);
  pump.run(0);
  t.strictSame(lines(), ['INFO', 'FETCH q', 'FLUSH']);
});

t.test('a reply that comes from within is no loop within a loop', async (t) => {
  const { lane, pump, hear, lines } = openHouse();
  const depths: boolean[] = [];
  lane.onSubmit = (command) => {
    pump.answered(command);
    depths.push(pump.run(0));
  };
  hear('INFO\n'.repeat(3));
  t.strictSame(lines(), ['INFO', 'INFO', 'INFO']);
  t.strictSame(depths, [false, false, false]);
  t.equal(pump.isIdle, true);
});

t.test('a lane that throws ends its client, and the pump is not stuck', async (t) => {
  const { client, lane, pump, bugs, hear } = openHouse();
  lane.onSubmit = () => {
    throw new Error('of a lane');
  };
  client.end = (reason) => {
    client.ends.push(reason);
    pump.connect(null);
  };
  hear('INFO\nINFO\n');
  t.match(bugs, [new Error('of a lane')]);
  t.strictSame(client.ends, ['bug']);
  t.equal(pump.run(0), true);
});

t.test('nothing is taken up while the client takes no replies', async (t) => {
  const { client, pump, hear, lines } = openHouse();
  client.takesReplies = false;
  hear('INFO\n');
  t.strictSame(lines(), []);
  client.takesReplies = true;
  pump.run(0);
  t.strictSame(lines(), ['INFO']);
});

t.test('who has left has work while whole commands are outstanding or waiting', async (t) => {
  const { client, lane, pump, hear, lines } = openHouse();
  t.equal(pump.hasWork, false);
  hear('PUSH {"half');
  t.equal(pump.hasWork, false, 'half a line is no command');
  client.takesReplies = false;
  hear('"}\n');
  t.equal(pump.hasWork, true);
  client.takesReplies = true;
  pump.run(0);
  t.equal(pump.hasWork, true, 'it is outstanding');
  pump.answered(lane.submitted[0] as Command);
  t.equal(pump.hasWork, false);
  hear('FETCH q\n');
  t.equal(pump.hasWork, false, 'a FETCH is of no use to it');
  hear('INFO\nFETCH q\nFLUSH\n');
  t.equal(pump.hasWork, true, 'what is behind it is');
  client.hasLeft = true;
  pump.run(0);
  t.strictSame(lines(), ['PUSH {"half"}', 'FETCH q'], 'it waits until that FETCH is over');
  pump.answered(lane.submitted[1] as Command);
  pump.run(0);
  pump.answered(lane.submitted[2] as Command);
  pump.run(0);
  t.strictSame(client.told, ['$-1\r\n'], 'of the FETCH that was not sent');
  t.strictSame(lines(), ['PUSH {"half"}', 'FETCH q', 'INFO', 'FLUSH']);
});

t.test(
  'FETCH and BEAT wait for a worker\u2019s standing, what is before them for nothing',
  async (t) => {
    const { client, lane, pump, hear, lines } = openHouse();
    client.isWorker = false;
    client.risesAtOnce = false;
    hear('PUSH {}\nBEAT {}\nINFO\n');
    t.strictSame(lines(), ['PUSH {}']);
    pump.answered(lane.submitted[0] as Command);
    pump.run(0);
    t.strictSame(lines(), ['PUSH {}'], 'it asks, and waits');
    client.isWorker = true;
    pump.run(0);
    t.strictSame(lines(), ['PUSH {}', 'BEAT {}', 'INFO']);
    const other = openHouse();
    other.client.isWorker = false;
    other.hear('FETCH q\n');
    t.strictSame(other.lines(), ['FETCH q'], 'one that gets it at once goes on at once');
  },
);

t.test(
  'with no lane the next verb is told, and its line is kept for the lane to come',
  async (t) => {
    const { client, lane, pump, hear, lines } = openHouse();
    pump.connect(null);
    t.equal(pump.nextVerb(), null);
    hear('PUSH {}\nINFO\n');
    t.equal(pump.nextVerb(), 'PUSH');
    t.equal(pump.nextVerb(), 'PUSH');
    pump.connect(lane);
    pump.run(0);
    t.strictSame(lines(), ['PUSH {}', 'INFO']);
    const gone = openHouse();
    gone.pump.connect(null);
    gone.client.hasLeft = true;
    gone.hear('FETCH q\nACK {}\n');
    t.equal(gone.pump.nextVerb(), 'ACK');
    t.strictSame(gone.client.told, ['$-1\r\n']);
    t.strictSame(client.told, []);
  },
);

t.test(
  'a FETCH that gets its lane after 0.8 s is answered with nil, one before is sent',
  async (t) => {
    for (const [at, told] of [
      [799, []],
      [800, ['$-1\r\n']],
    ] as const) {
      const { client, lane, pump, hear, lines } = openHouse();
      pump.connect(null);
      hear('FETCH q\n');
      pump.nextVerb();
      pump.connect(lane);
      pump.dropLateFetch(at);
      pump.run(0);
      t.strictSame(client.told, told);
      t.equal(lines().length, 1 - told.length);
    }
  },
);
