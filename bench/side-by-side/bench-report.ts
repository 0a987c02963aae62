// The side-by-side benchmark's groups and its report. Promise: pure.

import type { Figures, FigureName } from '../harness/figures.ts';
import type { Column, Group } from '../harness/groups.ts';
import type { Front } from '../harness/fronts.ts';
import { markdownTable } from '../harness/markdown-table.ts';
import { groupText } from '../harness/report.ts';
import { figure } from '../harness/texts.ts';
import { beforeName, frontsOf, SESSION_SERVER_CONNECTIONS } from './bench-options.ts';
import type { BenchOptions } from './bench-options.ts';
import { goalsText } from './goals.ts';
import { groupName, isMeasuredIn, loadFor, LOADS } from './loads.ts';
import type { LayoutName, Load, LoadName } from './loads.ts';
import { measureLoad } from './measure-load.ts';

const BOTH = ['direct', 'peer'] as const;

const COSTS: readonly Column[] = [
  { figure: 'proxyMicros', ratioTo: ['peer'] },
  { figure: 'faktoryMicros' },
  { figure: 'redisMicros' },
  { figure: 'generatorMicros' },
  { figure: 'generatorShare' },
  { figure: 'othersShare' },
];

const WORK: readonly Column[] = [
  { figure: 'jobsPerSecond', ratioTo: BOTH },
  { figure: 'p50Ms' },
  { figure: 'p99Ms' },
  { figure: 'p999Ms' },
];

const SERVER: Column = { figure: 'jobsPerServerSecond', ratioTo: ['direct'] };

function columnsFor(load: Load): readonly Column[] {
  switch (load.kind) {
    case 'push':
      if ((load.flags.payload ?? 0) < 10_000) return [...WORK, SERVER, ...COSTS];
      return [...WORK, { figure: 'bytesPerSecond' }, SERVER, ...COSTS];
    case 'cycle':
    case 'drain':
      return [...WORK, SERVER, ...COSTS];
    case 'storm':
      return [{ figure: 'connectsPerSecond', ratioTo: BOTH }, ...COSTS];
    case 'idle':
      return [
        { figure: 'clients' },
        { figure: 'emptyRssBytes' },
        { figure: 'emptyPssBytes' },
        { figure: 'fullRssBytes' },
        { figure: 'fullPssBytes' },
        { figure: 'rssPer1000Bytes', ratioTo: ['peer'] },
        { figure: 'pssPer1000Bytes' },
      ];
  }
}

/** A group for each load in each layout, with the fronts that are there. */
export function benchGroups(options: BenchOptions, isHere: (front: Front) => boolean): Group[] {
  const fronts = frontsOf(options).filter(isHere);
  return options.layouts.flatMap((layout) =>
    options.loads
      .filter((name) => isMeasuredIn(LOADS[name], layout))
      .map((name) => benchGroup(name, layout, fronts, options.seconds)),
  );
}

function benchGroup(
  name: LoadName,
  layout: LayoutName,
  fronts: readonly Front[],
  seconds: number,
): Group {
  const load = LOADS[name];
  return {
    name: groupName(name, layout),
    about: load.about,
    columns: columnsFor(load),
    fronts,
    placement: layout === 'split' ? 'split' : 'shared',
    stages: load.kind === 'idle' ? 'fresh' : 'kept',
    cases: [
      {
        text: '',
        measure: async (stage, round) => {
          const own = loadFor(load, stage.front.kind);
          if (own === null) return null;
          const withSlowRedis = layout === 'slow-redis';
          return measureLoad(stage, { load: own, seconds, isFirst: round === 1, withSlowRedis });
        },
      },
    ],
  };
}

export interface Head {
  readonly machine: string;
  /** What was asked for and is not there, a sentence each. */
  readonly missing: readonly string[];
}

export function benchReport(
  head: Head,
  options: BenchOptions,
  groups: readonly Group[],
  figures: Figures,
): string {
  const parts = [
    `# Side by side\n`,
    headText(head, options),
    options.against === null ? '' : againstText(options, groups, figures),
    goalsText(figures),
    ...groups.map((group) => groupText(group, figures)),
  ];
  return parts.filter((part) => part !== '').join('\n');
}

function headText({ machine, missing }: Head, { rounds, seconds }: BenchOptions): string {
  return `${machine}.

${rounds} rounds of ${seconds} s for each load and front, in turns: all fronts have their turn in a
round before the next begins. Every figure is the median of the rounds, with the least and the most
of them in brackets.

- × direct, × peer: the figure as so many times that of nothing in between, and of the better of
  HAProxy and nginx, within the same round.
- CPU: user and system time for each command (for each connection in a storm), from
  /proc/PID/stat. "of a core": the load generator's own share, which is a process of its own.
- jobs per server CPU s: jobs for each second of CPU time of Faktory and its Redis together.
- others: CPU time of processes outside the benchmark, and of the kernel for no process, as a share
  of the whole machine. If it is high, do not trust the figures.
- p50, p99, p99.9: from sending PUSH to \`+OK\`; in a full cycle from sending PUSH to the \`+OK\` of ACK,
  in a drain from sending FETCH to that.
- session: limits.server_connections is ${SESSION_SERVER_CONNECTIONS}, so that no client is refused. pooled and all other
  options have their defaults.
- idle: haproxy and nginx get at most 9800 and session at most 4800 clients: they need two open files
  for each client, and session mode a server connection. Each proxy has run no other load.
- Before its first round of a load each front gets that load for 2 s that do not count.
- split: Faktory and Redis have one core, clients and proxy another. slow-redis: another client of
  Redis runs scripts of 10 ms back to back.
- Each front has a Faktory of its own, whose Redis writes no snapshots during the run; each
  measurement begins with an empty Faktory.
${missing.map((text) => `- ${text}\n`).join('')}`;
}

const COMPARED: readonly FigureName[] = [
  'jobsPerSecond',
  'connectsPerSecond',
  'p50Ms',
  'p99Ms',
  'jobsPerServerSecond',
  'proxyMicros',
  'fullRssBytes',
];

/** This checkout's medians as so many times the other's. */
function againstText(options: BenchOptions, groups: readonly Group[], figures: Figures): string {
  const rows = groups.flatMap(({ name: group }) =>
    options.fronts.flatMap((front) => {
      const cells = COMPARED.map((name) => {
        const own = figures.median({ group, caseText: '', front }, name);
        const before = figures.median({ group, caseText: '', front: beforeName(front) }, name);
        return own === null || before === null || before === 0 ? '' : figure(own / before);
      });
      return cells.every((cell) => cell === '') ? [] : [[group, front, ...cells]];
    }),
  );
  const titles = [
    'jobs/s',
    'connects/s',
    'p50',
    'p99',
    'jobs per server CPU s',
    'proxy CPU',
    'RSS',
  ];
  return `## Against ${options.against}

Medians of this checkout as so many times those of the other, which the tables call "before".

${markdownTable(['load', 'front', ...titles], rows)}`;
}
