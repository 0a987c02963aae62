// `npm run bench`: the same load through nothing, HAProxy, nginx and the bouncer in both modes, in
// turns, in front of the real Faktory. Promise: what it starts it ends, also on Ctrl-C; a peer that is
// not installed is named and left out; exit code 1 with a clear word when it cannot measure.

import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus } from 'node:os';
import { resolve } from 'node:path';
import { provision } from '../test/support/provision.ts';
import { buildBouncer } from './bouncer-process.ts';
import { runProgram } from './run-program.ts';
import { CleanUp } from './clean-up.ts';
import { BENCH_HELP, parseBenchOptions } from './compare/bench-options.ts';
import type { BenchOptions } from './compare/bench-options.ts';
import { Figures } from './compare/figures.ts';
import type { Measurement } from './compare/figures.ts';
import { buildGenerator } from './compare/generator.ts';
import { Lab } from './compare/lab.ts';
import type { FrontName } from './compare/loads.ts';
import { measure } from './compare/measure.ts';
import { report } from './compare/report.ts';
import type { Run } from './compare/report.ts';
import { progressText } from './compare/texts.ts';
import { haproxyVersion } from './fronts/haproxy.ts';
import { nginxBuild } from './fronts/nginx.ts';

function progress(text: string): void {
  const time = (performance.now() / 1000).toFixed(0).padStart(4);
  process.stderr.write(`${time} s  ${text}\n`);
}

/** What is to be measured, without the peers that are not there. */
function runOf(options: BenchOptions, faktoryVersion: string): Run {
  const peers = { haproxy: haproxyVersion(), nginx: nginxBuild()?.version };
  const missing: string[] = [];
  const isHere = (front: FrontName): boolean => {
    if (front !== 'haproxy' && front !== 'nginx') return true;
    if (peers[front] !== undefined) return true;
    const what = front === 'nginx' ? 'nginx with its stream module' : 'HAProxy';
    missing.push(`${what} is not installed, and left out.`);
    return false;
  };
  const fronts = options.fronts.filter(isHere);
  const versions = [
    `Faktory ${faktoryVersion}`,
    `Node ${process.versions.node}`,
    ...(peers.haproxy === undefined ? [] : [`HAProxy ${peers.haproxy}`]),
    ...(peers.nginx === undefined ? [] : [`nginx ${peers.nginx}`]),
  ].join(', ');
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model ?? 'unknown'})`;
  const { rounds, seconds, loads } = options;
  return { machine, versions, rounds, seconds, loads, fronts, missing };
}

async function measureAll(run: Run, cleanUp: CleanUp): Promise<Measurement[]> {
  const lab = await Lab.open(cleanUp);
  const measurements: Measurement[] = [];
  for (const load of run.loads) {
    for (let round = 1; round <= run.rounds; round += 1) {
      for (const front of run.fronts) {
        const step = { load, front, round, seconds: run.seconds };
        const measurement = await measure(step, lab, cleanUp);
        if (measurement === null) continue;
        measurements.push(measurement);
        progress(`${load}, round ${round}, ${front}: ${progressText(measurement)}`);
      }
    }
  }
  return measurements;
}

async function main(): Promise<number> {
  const options = parseBenchOptions(process.argv.slice(2));
  if (options.help) {
    process.stdout.write(BENCH_HELP);
    return 0;
  }
  if (process.platform !== 'linux') throw new Error('Cannot measure: this needs Linux (/proc)');
  buildGenerator();
  buildBouncer();
  if (options.cpuProfiles !== null) {
    // The bouncers inherit it; this process has started already.
    const folder = resolve(options.cpuProfiles);
    process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${folder}`;
  }
  const { version, missing } = await provision(progress);
  if (version === undefined) {
    process.stderr.write(`Cannot measure without a real Faktory:\n${missing.join('\n')}\n`);
    return 1;
  }
  const cleanUp = new CleanUp();
  cleanUp.onSignals();
  try {
    const run = runOf(options, version);
    for (const text of [run.machine, run.versions, ...run.missing]) progress(text);
    const text = report(run, new Figures(await measureAll(run, cleanUp)));
    process.stdout.write(text);
    if (options.out !== null) await writeFile(options.out, text);
    return 0;
  } finally {
    await cleanUp.run();
  }
}

runProgram(main);
