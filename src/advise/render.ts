// Advice as text, and as JSON. Pure. Promise: what a client chose cannot move the cursor of a terminal; the
// same advice gives the same text.

import { type Facts, turnedAway, type Use } from './facts.ts';
import type { Finding, Value } from './words.ts';

/** What was seen in a shorter time says little about usual load. */
const LITTLE_SECONDS = 3600;

/** One bouncer, and what there is to say about it. */
export interface Advice {
  readonly facts: Facts;
  readonly findings: readonly Finding[];
}

/** As `--json` prints it; `all`: about the bouncers together. */
export function renderJson(advice: readonly Advice[], all: readonly Finding[]): string {
  const bouncers = advice.map(({ facts, findings }) => ({
    source: facts.source,
    seconds: Math.round(facts.seconds),
    limits: Object.fromEntries(
      limitsOf(facts).map(({ key, use, away }) => [key, { ...use, turned_away: away }]),
    ),
    findings,
  }));
  return `${safe(JSON.stringify({ bouncers, findings: all }, null, 2))}\n`;
}

/** As a person reads it. */
export function renderText(advice: readonly Advice[], all: readonly Finding[]): string {
  const parts = advice.map(({ facts, findings }) => bouncerText(facts, findings));
  const together = all.length === 0 ? [] : [`All bouncers\n\n${all.map(findingText).join('\n')}`];
  return [...parts, ...together].join('\n');
}

interface Limit {
  readonly key: string;
  readonly use: Use;
  /** Clients that it refused, or would have. */
  readonly away: number | null;
}

function limitsOf(facts: Facts): readonly Limit[] {
  const { clients, serverConnections, fetches, waitingLine } = facts;
  return [
    { key: 'limits.clients', use: clients, away: turnedAway(facts, 'clients') },
    {
      key: 'limits.server_connections',
      use: serverConnections,
      away: turnedAway(facts, 'server_connections'),
    },
    { key: 'limits.fetches_in_flight', use: fetches, away: null },
    { key: 'waiting_line.size', use: waitingLine, away: turnedAway(facts, 'waiting_line') },
  ];
}

function bouncerText(facts: Facts, findings: readonly Finding[]): string {
  const observed = facts.observeOnly === true ? ', observe_only' : '';
  const head = `${printable(facts.source)}: ${facts.mode} mode${observed}, over ${duration(facts.seconds)}`;
  const rows = limitsOf(facts).map(({ key, use, away }) =>
    row(key, String(use.peak), String(use.limit), away === null ? '-' : String(away)),
  );
  const little =
    facts.seconds < LITTLE_SECONDS
      ? `${duration(facts.seconds)} of data prove little: look again after a day of usual load.\n\n`
      : '';
  const sum =
    findings.length === 0
      ? 'No advice: the limits fit what was seen.\n'
      : findings.map(findingText).join('\n');
  return `${head}\n\n${row('', 'PEAK', 'LIMIT', 'TURNED AWAY')}\n${rows.join('\n')}\n\n${little}${sum}`;
}

function row(...[key, peak, limit, away]: readonly [string, string, string, string]): string {
  return `${key.padEnd(28)}${peak.padStart(8)}${limit.padStart(9)}${away.padStart(14)}`;
}

function findingText({ id, severity, text, why, evidence, change }: Finding): string {
  const numbers = Object.entries(evidence).map(([name, value]) => `${name} ${value}`);
  const lines = [
    `${severity}: ${text} [${id}]`,
    `  ${why}`,
    `  Seen: ${numbers.join(', ')}`,
    ...yamlLines(change).map((line, index) => `  ${index === 0 ? 'Change:' : '       '} ${line}`),
  ];
  return `${lines.map(printable).join('\n')}\n`;
}

/** One line of YAML for each section. */
function yamlLines(change: Finding['change']): readonly string[] {
  const sections = new Map<string, string[]>();
  for (const [key, value] of Object.entries(change)) {
    const dot = key.indexOf('.');
    const section = dot === -1 ? '' : key.slice(0, dot);
    const lines = sections.get(section) ?? [];
    lines.push(`${key.slice(dot + 1)}: ${value satisfies Value}`);
    sections.set(section, lines);
  }
  return [...sections].flatMap(([section, lines]) =>
    section === '' ? lines : [`${section}: { ${lines.join(', ')} }`],
  );
}

function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

/** Everything except printable ASCII becomes `?`. */
function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/gu, '?');
}

/** JSON escapes the control characters below U+0020; terminals obey some above U+007E too. */
function safe(json: string): string {
  return json.replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}
