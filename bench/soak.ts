// `npm run soak`: load, churn, reloads and faults together, for a long time and in both modes. Promise: the
// exit code says whether anything was lost, left over or grew; the seed gives the same faults again.

import { setTimeout as sleep } from 'node:timers/promises';
import { provision } from '../test/support/provision.ts';
import { seededRandom } from '../test/support/seeded-random.ts';
import { CleanUp } from './harness/clean-up.ts';
import { progress, runProgram } from './harness/program.ts';
import { Arena, SOAK_MODES } from './soak/arena.ts';
import { MISFORTUNES, type Random } from './soak/misfortunes.ts';
import { memoryTrend } from './soak/memory-trend.ts';
import { parseSoakOptions, SOAK_HELP, type SoakOptions } from './soak/soak-options.ts';

const SAMPLE_MS = 2000;
const REPORT_MS = 30_000;
/** Calm between two faults, at most. */
const CALM_MS = 4000;
/** Before the clients come: the bouncer has opened what it keeps. */
const SETTLE_MS = 8000;
/** Growth that is not noise: of the least memory from the third tenth of the time to the last. */
const GROWTH_BYTES_MAX = 32 * 1024 * 1024;

runProgram(async () => {
  const options = parseSoakOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(SOAK_HELP);
    return 0;
  }
  const { version, missing } = await provision(progress);
  if (version === undefined) {
    throw new Error(`Cannot soak without a real Faktory:\n${missing.join('\n')}`);
  }
  progress(`Faktory ${version}, seed ${options.seed}, ${options.minutes} minutes`);
  const cleanUp = new CleanUp();
  cleanUp.onSignals();
  try {
    const wrongs = await Promise.all(SOAK_MODES.map((mode) => soak(mode, options, cleanUp)));
    const wrong = wrongs.flat();
    for (const text of wrong) process.stdout.write(`wrong: ${text}\n`);
    process.stdout.write(wrong.length === 0 ? 'all of it holds\n' : `${wrong.length} wrong\n`);
    return wrong.length === 0 ? 0 : 1;
  } finally {
    await cleanUp.run();
  }
});

/** What is wrong, in a line each. */
async function soak(
  mode: (typeof SOAK_MODES)[number],
  options: SoakOptions,
  cleanUp: CleanUp,
): Promise<readonly string[]> {
  const arena = await Arena.open(mode, options.clients, cleanUp);
  try {
    return await hold(arena, options);
  } catch (error) {
    // What does not go on is looked for in what is there.
    const { gauges } = await arena.belongings();
    for (const [name, value] of gauges) if (value !== 0) progress(`${mode}: ${name} ${value}`);
    return [`${mode}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

async function hold(arena: Arena, { minutes, seed }: SoakOptions): Promise<readonly string[]> {
  const { mode } = arena;
  await sleep(SETTLE_MS);
  const before = await arena.belongings();
  arena.openMarket();
  await arena.works();
  const startedAt = performance.now();
  const sampling = setInterval(
    () => arena.sample((performance.now() - startedAt) / 1000),
    SAMPLE_MS,
  );
  const reporting = setInterval(() => progress(stateOf(arena)), REPORT_MS);
  const counts = new Map<string, number>();
  try {
    const random = seededRandom(seed + SOAK_MODES.indexOf(mode));
    while (performance.now() - startedAt < minutes * 60_000) {
      await sleep(random() * CALM_MS);
      const name = await strike(arena, random);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await arena.works();
    }
  } finally {
    clearInterval(sampling);
    clearInterval(reporting);
  }
  const accounts = await arena.close();
  const left = await arena.leftOver(before);
  const trend = memoryTrend(arena.samples);
  const bugs = await arena.bouncer.metric('bugs_total');
  progress(`${mode}: ${[...counts].map(([name, count]) => `${name} × ${count}`).join(', ')}`);
  progress(`${mode}: ${accounts.summary}`);
  if (trend !== null) {
    progress(
      `${mode}: memory ${megabytes(trend.from)} → ${megabytes(trend.to)} MB, slope ${megabytes(trend.bytesPerHour)} MB an hour`,
    );
  }
  const wrong = [
    ...arena.unexplained(accounts.lost).map((jid) => `${jid} is lost`),
    ...arena.unexplainedTwice(accounts.twice).map((jid) => `${jid} was handed out twice`),
    ...accounts.wrong.map((text) => `a client read what is not its reply: ${text}`),
    ...accounts.unnamed.map((text) => `a client read an error that no page names: ${text}`),
    ...left.map((text) => `left over: ${text}`),
    ...(bugs > 0 ? [`${bugs} defects were logged`] : []),
    ...(trend !== null && trend.to - trend.from > GROWTH_BYTES_MAX ? ['memory grows'] : []),
  ];
  return wrong.map((text) => `${mode}: ${text}`);
}

async function strike(arena: Arena, random: Random): Promise<string> {
  const names = Object.keys(MISFORTUNES);
  const name = names[Math.floor(random() * names.length)] ?? '';
  progress(`${arena.mode}: ${name}`);
  await MISFORTUNES[name]?.(arena, random);
  return name;
}

function stateOf({ mode, market, samples }: Arena): string {
  const last = samples.at(-1);
  return `${mode}: ${market.pushed.length} pushed, ${market.acknowledged.size} done, ${market.closed} connections lost, ${megabytes(last?.bytes ?? 0)} MB`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}
