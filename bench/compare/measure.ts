// One measurement: a load through a front, as figures. How the figures compare is figures.ts.

import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CleanUp } from '../clean-up.ts';
import type { Front } from '../fronts/front.ts';
import { Generator } from './generator.ts';
import type { GeneratorReport, GeneratorTask } from './generator.ts';
import { spreadOf } from './figures.ts';
import type { Measurement, Metric } from './figures.ts';
import type { Lab } from './lab.ts';
import { loadFor } from './loads.ts';
import type { FrontName, Load, LoadName } from './loads.ts';
import { memoryOf } from './processes.ts';

/** Until a proxy's memory has stopped moving, empty and full. */
const SETTLE_MS = 1500;

/** Node compiles what runs often, and HAProxy and nginx fill their pools. */
const WARM_SECONDS = 2;

type Values = Partial<Record<Metric, number>>;

export interface Step {
  readonly load: LoadName;
  readonly front: FrontName;
  readonly round: number;
  readonly seconds: number;
}

/** Null where the load says nothing about the front. */
export async function measure(step: Step, lab: Lab, cleanUp: CleanUp): Promise<Measurement | null> {
  const load = loadFor(step.load, step.front);
  if (load === null) return null;
  await lab.rest();
  const { values, report } =
    load.kind === 'idle'
      ? await measureIdle(step, load, lab, cleanUp)
      : await measureWork(step, load, lab, cleanUp);
  const { round, front } = step;
  return { load: step.load, front, round, values, notes: notesOf(load, report) };
}

interface Outcome {
  readonly values: Values;
  readonly report: GeneratorReport;
}

async function measureWork(step: Step, load: Load, lab: Lab, cleanUp: CleanUp): Promise<Outcome> {
  const front = await lab.front(step.front);
  const { address } = front;
  if (step.round === 1) {
    await runOnce({ load, address, seconds: WARM_SECONDS, pids: [] }, cleanUp);
    await lab.rest();
  }
  const { faktoryPid, redisPids } = lab;
  const pids = [...front.pids, faktoryPid, ...redisPids];
  const report = await runOnce({ load, address, seconds: step.seconds, pids }, cleanUp);
  return { report, values: { ...work(load, report), ...costs(report, front, lab) } };
}

async function runOnce(task: GeneratorTask, cleanUp: CleanUp): Promise<GeneratorReport> {
  const generator = new Generator(task);
  const end = cleanUp.add(() => generator.kill());
  const report = await generator.report();
  await generator.ended();
  await end();
  return report;
}

/** On a front of its own: what earlier loads left in its memory would hide what clients take. */
async function measureIdle(step: Step, load: Load, lab: Lab, cleanUp: CleanUp): Promise<Outcome> {
  const { front, end: endFront } = await lab.freshFront(step.front);
  await sleep(SETTLE_MS);
  const empty = memoryOf(front.pids);
  const { address, pids } = front;
  const generator = new Generator({ load, address, seconds: step.seconds, pids });
  const end = cleanUp.add(() => generator.kill());
  const report = await generator.report();
  await sleep(SETTLE_MS);
  const full = memoryOf(front.pids);
  generator.release();
  const last = await generator.report();
  await generator.ended();
  await end();
  await endFront();
  const clients = report.admitted;
  const values = {
    clients,
    emptyRssBytes: empty.rssBytes,
    emptyPssBytes: empty.pssBytes,
    fullRssBytes: full.rssBytes,
    fullPssBytes: full.pssBytes,
    rssPerClientBytes: (full.rssBytes - empty.rssBytes) / clients,
    pssPerClientBytes: (full.pssBytes - empty.pssBytes) / clients,
  };
  return { report: last, values };
}

/** What was done, and how fast. */
function work(load: Load, report: GeneratorReport): Values {
  if (load.kind === 'storm') {
    const middle = spreadOf(report.storms ?? [])?.median;
    if (middle === undefined) return {};
    return { connectsPerSecond: report.admitted / middle };
  }
  const rates = { jobsPerSecond: report.jobs / report.seconds };
  if (report.jobs === 0) return rates;
  return {
    ...rates,
    ...(load.kind === 'push' && { bytesPerSecond: report.bytes / report.seconds }),
    p50Ms: report.p50Micros / 1000,
    p99Ms: report.p99Micros / 1000,
    p999Ms: report.p999Micros / 1000,
  };
}

/** What it cost, for each command (in a storm: for each connection). */
function costs(report: GeneratorReport, front: Front, lab: Lab): Values {
  const { commands, cpuMicros, ownCpuMicros, busyMicros, seconds } = report;
  if (commands === 0) return {};
  const each = (pids: readonly number[]): number =>
    pids.reduce((sum, pid) => sum + (cpuMicros[pid] ?? 0), 0) / commands;
  const watched = Object.values(cpuMicros).reduce((sum, micros) => sum + micros, 0);
  const foreign = busyMicros - ownCpuMicros - watched;
  return {
    ...(front.pids.length > 0 && { proxyMicros: each(front.pids) }),
    faktoryMicros: each([lab.faktoryPid]),
    redisMicros: each(lab.redisPids),
    generatorMicros: ownCpuMicros / commands,
    generatorShare: ownCpuMicros / 1e6 / seconds,
    othersShare: Math.max(0, foreign) / 1e6 / seconds / cpus().length,
  };
}

function notesOf(load: Load, report: GeneratorReport): readonly string[] {
  const wanted = load.kind === 'cycle' ? load.clients + load.consumers : load.clients;
  const { admitted, refused, cutOff, errors } = report;
  const notes: string[] = [];
  if (admitted < wanted) notes.push(`${admitted} of ${wanted} clients were in at the end`);
  if (refused > 0) notes.push(`${refused} were refused`);
  if (cutOff > 0) notes.push(`${cutOff} were cut off`);
  for (const [text, count] of Object.entries(errors)) notes.push(`${count} times ${text}`);
  return notes;
}
