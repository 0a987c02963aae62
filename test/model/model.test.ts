// The whole bouncer under random clients, commands, losses, splits, clocks and limits, in both modes:
// what it promises holds after every run. A failure names the command that repeats its seed. Thousands:
//   MODEL_RUNS=30000 npx tap --timeout=900 test/model/model.test.ts
// MODEL_SEED: the first seed; MODEL_MODE: session or pooled, where the seed is not to decide; MODEL_SINKS:
// which sinks throw, of log, client write, server write and count; all of them unless it is set;
// MODEL_SINK_CHANCE: in which share of the runs they do.

import t from 'tap';
import { MODES, type Mode } from '../../src/config/config.ts';
import { EXPECTED } from './support/expected.ts';
import { runModel } from './support/run.ts';
import { Tally } from './support/tally.ts';

const firstSeed = Number(process.env['MODEL_SEED'] ?? 1);
const runs = Number(process.env['MODEL_RUNS'] ?? 1000);
const mode = modeOf(process.env['MODEL_MODE']);

t.test('what the bouncer promises holds, whatever happens', async (t) => {
  const tally = new Tally();
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const result = await runModel(seed, mode);
    tally.addAll(result.tally);
    const [first] = result.problems;
    if (first === undefined) continue;
    t.fail(`${repeat(seed)}  # ${[...new Set(result.problems)].slice(0, 5).join('; ')}`);
    return;
  }
  for (const line of [`${runs} runs from seed ${firstSeed}`, ...tally.lines()]) t.comment(line);
  if (runs < 1000 || mode !== null) return;
  const missing = EXPECTED.filter((name) => tally.of(name) === 0);
  t.same(missing, [], 'all of it happened');
});

t.test('a seed gives the same run each time', async (t) => {
  for (let seed = firstSeed; seed < firstSeed + 20; seed += 1) {
    const [first, second] = [await runModel(seed, mode), await runModel(seed, mode)];
    t.same(second.tally.lines(), first.tally.lines(), `seed ${seed}`);
  }
});

function repeat(seed: number): string {
  const sinks = process.env['MODEL_SINKS'];
  const chosen = `${mode === null ? '' : `MODEL_MODE=${mode} `}${sinks === undefined ? '' : `MODEL_SINKS=${sinks} `}`;
  return `${chosen}MODEL_SEED=${seed} MODEL_RUNS=1 npx tap test/model/model.test.ts`;
}

function modeOf(text: string | undefined): Mode | null {
  const found = MODES.find((mode) => mode === text);
  if (text !== undefined && found === undefined) throw new Error(`Cannot run mode ${text}`);
  return found ?? null;
}
