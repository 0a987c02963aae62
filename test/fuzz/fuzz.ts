// npm run fuzz -- [--seconds N] [--target T] [--seed S]: looks for inputs on which the project's code is
// wrong. An input that fails is written to the corpus, from which the tests run it from then on.

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { fuzzConversations } from './conversations.ts';
import { Coverage } from './coverage.ts';
import { fuzzGuided, MEASURED_EACH } from './guided.ts';
import { corpusPath } from './target.ts';
import { TARGETS } from './targets.ts';

const CONVERSATIONS = 'conversations';
const NAMES = [...TARGETS.map(({ name }) => name), CONVERSATIONS];

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    target: { type: 'string', default: 'all' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
  },
});
const chosen = values.target === 'all' ? NAMES : [values.target];
const seconds = Number(values.seconds);
const seed = Number(values.seed);
const unknown = chosen.find((name) => !NAMES.includes(name));
if (unknown !== undefined || !(seconds > 0) || !Number.isInteger(seed)) {
  console.error(
    `Usage: npm run fuzz -- [--seconds N] [--target all|${NAMES.join('|')}] [--seed N] [--keep]\n` +
      '  --seconds  for all targets together\n' +
      '  --keep     adds what reaches new code to test/fuzz/corpus',
  );
  process.exit(2);
}

/** Of the time of a target. */
const GUIDED_SHARE = 0.5;
const secondsEach = seconds / chosen.length;
let failed = false;
for (const name of chosen) {
  const until = performance.now() + secondsEach * 1000;
  const isOver = (): boolean => performance.now() >= until;
  if (name === CONVERSATIONS) failed = !(await runConversations(isOver)) || failed;
  else failed = !runGuided(name, isOver) || failed;
}
process.exit(failed ? 1 : 0);

function runGuided(name: string, isOver: () => boolean): boolean {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`Cannot fuzz ${name}: there is no such target`);
  const coverage = new Coverage();
  coverage.start();
  const guidedUntil = performance.now() + secondsEach * GUIDED_SHARE * 1000;
  const isGuided = (): boolean => performance.now() < guidedUntil;
  const { inputs, reached, kept, failure } = fuzzGuided(target, seed, coverage, {
    isGuided,
    isOver,
    measuredEach: values.keep ? 1 : MEASURED_EACH,
  });
  console.log(
    `${name}: ${inputs} inputs, ${reached} ways through functions, ${kept.length} inputs took new ones (--seed ${seed})`,
  );
  if (values.keep) for (const input of kept) keep(name, input);
  if (failure === null) return true;
  const path = keep(name, failure.input);
  console.log(`${name}: FAILED, see ${path}: ${JSON.stringify(failure.input.toString('latin1'))}`);
  console.log(failure.error);
  return false;
}

async function runConversations(isOver: () => boolean): Promise<boolean> {
  const { conversations, commands, missing, failure } = await fuzzConversations(seed, isOver);
  if (missing !== null) {
    console.log(`${CONVERSATIONS}: skipped: ${missing}`);
    return process.env['CI'] !== 'true';
  }
  console.log(
    `${CONVERSATIONS}: ${conversations} conversations of ${commands} commands (--seed ${seed})`,
  );
  if (failure === null) return true;
  const path = keep(CONVERSATIONS, Buffer.from(failure.conversation));
  console.log(`${CONVERSATIONS}: FAILED, see ${path}: ${failure.text}`);
  return false;
}

function keep(name: string, input: Buffer): string {
  const path = corpusPath(name, input);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, input);
  return relative(process.cwd(), path);
}
