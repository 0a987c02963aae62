// `npm run demo`: more clients than the cap, and what the bouncer does with them, told as it happens.
// Promise: about 25 s, plain lines, all that it started has ended; exit code 0 when the sums agree.

import { setTimeout as sleep } from 'node:timers/promises';
import { CleanUp } from '../bench/harness/clean-up.ts';
import { runProgram } from '../bench/harness/program.ts';
import { Consumers } from './consumers.ts';
import type { ConsumersStatus } from './consumers.ts';
import { countQueued, LIMITS, metricsOf, openHouse, QUEUE } from './house.ts';
import { WAITING_LINE, WORKER_PLACES } from './house.ts';
import type { House } from './house.ts';
import { serverConnections, sumOf } from './metrics-text.ts';
import { Producers } from './producers.ts';
import { checks, PROGRESS_HEAD, progressLine } from './progress.ts';

const PRODUCERS = 4;
const JOBS_PER_SECOND = 40;
const PHASE_SECONDS = 4;
const PHASES = 4;
/** Producers are there to the last line of figures. */
const PRODUCERS_LONGER_SECONDS = 1;
const OVERFLOW = 16;
const CONSUMERS = 60;
const LEAVING = 12;
const COME_OVER_MS = 500;

const HELP = `Usage: npm run demo

Starts Faktory, faktory-bouncer with ${LIMITS.server_connections} server connections, ${CONSUMERS} consumers and
${PRODUCERS} producers, and shows which consumers get in, wait or are refused. Needs nothing else.
FAKTORY_BIN=/path/to/faktory uses another Faktory.
`;

const NEXT = `
How to go on:
  npm run overload      what overload does to Faktory alone, and behind the bouncer
  npm start -- --help   the bouncer itself: point it at your Faktory, and your clients at it
  README.md             how to put it in front, and where to read on
`;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Tells a phase in words, then a line of figures for each of its seconds. */
class Story {
  serverConnectionsMax = 0;
  readonly #house: House;
  readonly #consumers: Consumers;
  readonly #producers: Producers;
  readonly #startedAt = performance.now();
  #phase = 0;

  constructor(house: House, consumers: Consumers, producers: Producers) {
    this.#house = house;
    this.#consumers = consumers;
    this.#producers = producers;
  }

  async phase(words: string, act: () => Promise<unknown>): Promise<void> {
    this.#phase += 1;
    say(`\n${this.#phase}. ${words}\n\n${PROGRESS_HEAD}`);
    // Not awaited before the first look: who leaves politely takes up to 2 s.
    const acting = act();
    for (let second = 0; second < PHASE_SECONDS; second += 1) {
      await sleep(1000);
      await this.#look();
    }
    await acting;
  }

  async #look(): Promise<void> {
    const metrics = await metricsOf(this.#house);
    this.serverConnectionsMax = Math.max(this.serverConnectionsMax, serverConnections(metrics));
    const line = progressLine({
      seconds: (performance.now() - this.#startedAt) / 1000,
      metrics,
      consumers: this.#consumers.status(),
      producers: this.#producers.status(),
    });
    say(line);
  }
}

async function play(house: House): Promise<boolean> {
  const consumers = new Consumers(house.port, QUEUE);
  const producers = new Producers({
    port: house.port,
    queue: QUEUE,
    producers: PRODUCERS,
    jobsPerSecond: JOBS_PER_SECOND,
    seconds: PHASES * PHASE_SECONDS + PRODUCERS_LONGER_SECONDS,
  });
  const story = new Story(house, consumers, producers);
  const come = (count: number) => () => consumers.add(count, COME_OVER_MS);
  const producing = producers.run();
  // Awaited at the end; a failure before that must not count as nobody's.
  producing.catch(() => undefined);

  await story.phase(
    `The places fill: ${PRODUCERS} producers PUSH ${JOBS_PER_SECOND} jobs a second, and ${WORKER_PLACES} consumers come.\n` +
      `   Faktory may have ${LIMITS.server_connections} connections, ${LIMITS.producer_reserve} of them kept for producers: all get in.`,
    come(WORKER_PLACES),
  );
  await story.phase(
    `${OVERFLOW} more consumers come: they wait, ${WAITING_LINE.timeout} at most, and Faktory does not see them.\n` +
      '   A consumer whose time runs out is refused, and connects again.',
    come(OVERFLOW),
  );
  await story.phase(
    `${CONSUMERS - WORKER_PLACES - OVERFLOW} more come: the waiting line holds ${WAITING_LINE.size}, so some are refused at once.`,
    come(CONSUMERS - WORKER_PLACES - OVERFLOW),
  );
  sayRefusals(consumers.status());
  await story.phase(
    `${LEAVING} consumers leave: as many of those that wait get in, as soon as Faktory has closed the connections.`,
    () => consumers.leave(LEAVING),
  );

  const report = await producing;
  await consumers.leaveAll();
  const limit = sumOf(await metricsOf(house), 'faktory_bouncer_server_connections_limit');
  const held = checks({
    consumers: consumers.status(),
    producers: report,
    queued: await countQueued(house),
    serverConnectionsMax: story.serverConnectionsMax,
    serverConnectionsLimit: limit,
  });
  say('\nThe result:');
  for (const { text, ok } of held) say(`  ${ok ? 'yes' : 'NO '}  ${text}`);
  return held.every(({ ok }) => ok);
}

function sayRefusals(status: ConsumersStatus): void {
  say('\n   The refused consumers read:');
  for (const [text, count] of status.refusals) say(`   ${count} times  ${text}`);
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    say(HELP);
    return 0;
  }
  const cleanUp = new CleanUp();
  cleanUp.onSignals();
  try {
    const agreed = await play(await openHouse(cleanUp, say));
    say(NEXT);
    return agreed ? 0 : 1;
  } finally {
    await cleanUp.run();
  }
}

runProgram(main);
