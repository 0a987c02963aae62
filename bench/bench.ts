// `npm run bench`: the same load through nothing, HAProxy, nginx and the bouncer in both modes, in
// turns, in front of the real Faktory. A peer that is not installed is named and left out.

import { resolve } from 'node:path';
import { Figures } from './harness/figures.ts';
import { THIS_CHECKOUT } from './harness/fronts.ts';
import type { Front } from './harness/fronts.ts';
import { measureGroups } from './harness/groups.ts';
import { haproxyVersion, nginxBuild } from './harness/peers.ts';
import { progress, runBenchmark, runProgram } from './harness/program.ts';
import { BENCH_HELP, parseBenchOptions } from './side-by-side/bench-options.ts';
import { benchGroups, benchReport } from './side-by-side/bench-report.ts';

runProgram(() => {
  const options = parseBenchOptions(process.argv.slice(2));
  return runBenchmark({
    help: options.help ? BENCH_HELP : null,
    checkouts: [THIS_CHECKOUT, ...(options.against === null ? [] : [options.against])],
    out: options.out,
    run: async (cleanUp, machine) => {
      const versions = { haproxy: haproxyVersion(), nginx: nginxBuild()?.version };
      const isHere = ({ kind }: Front): boolean =>
        (kind !== 'haproxy' && kind !== 'nginx') || versions[kind] !== undefined;
      const missing = options.fronts
        .filter((kind) => !isHere({ name: kind, kind }))
        .map((kind) => `${kind} is not installed, or not as needed, and is left out.`);
      for (const text of missing) progress(text);
      if (options.cpuProfiles !== null) {
        // The bouncers inherit it; this process has started already.
        const folder = resolve(options.cpuProfiles);
        process.env['NODE_OPTIONS'] = `--cpu-prof --cpu-prof-dir=${folder}`;
      }
      const groups = benchGroups(options, isHere);
      const figures = new Figures(await measureGroups(groups, options.rounds, cleanUp));
      const peers = `HAProxy ${versions.haproxy ?? 'none'}, nginx ${versions.nginx ?? 'none'}`;
      return benchReport({ machine: `${machine}, ${peers}`, missing }, options, groups, figures);
    },
  });
});
