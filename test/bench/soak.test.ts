// The soak's own judgement: what counts as memory that grows, and the command line.

import t from 'tap';
import { memoryTrend, type Sample } from '../../bench/soak/memory-trend.ts';
import { parseSoakOptions } from '../../bench/soak/soak-options.ts';

const MEBIBYTE = 1024 * 1024;

/** A heap that grows by 30 MiB and is collected, again and again, above `floor`. */
function sawtooth(floor: (at: number) => number): Sample[] {
  return Array.from({ length: 600 }, (_, at) => ({
    at,
    bytes: floor(at) + (at % 30) * MEBIBYTE,
  }));
}

t.test('a heap that is collected is flat, whatever lies between', async (t) => {
  const trend = memoryTrend(sawtooth(() => 100 * MEBIBYTE));
  t.equal(trend?.bytesPerHour, 0);
  t.equal(trend?.to, 100 * MEBIBYTE);
});

t.test('a leak shows below the noise', async (t) => {
  const trend = memoryTrend(sawtooth((at) => 100 * MEBIBYTE + at * 0.1 * MEBIBYTE));
  const perHour = (trend?.bytesPerHour ?? 0) / MEBIBYTE;
  t.ok(perHour > 300 && perHour < 420, `${perHour} MiB an hour, of 360`);
  t.ok((trend?.to ?? 0) - (trend?.from ?? 0) > 32 * MEBIBYTE);
});

t.test('what is used for the first time does not count as growth', async (t) => {
  const trend = memoryTrend(sawtooth((at) => (at < 100 ? at : 100) * MEBIBYTE));
  t.equal(trend?.bytesPerHour, 0);
});

t.test('too few samples tell nothing', async (t) => {
  t.equal(memoryTrend([]), null);
  t.equal(memoryTrend([{ at: 1, bytes: 1 }]), null);
});

t.test('the command line', async (t) => {
  t.match(parseSoakOptions([]), { help: false, minutes: 30, clients: 100 });
  t.match(parseSoakOptions(['--minutes', '10', '--seed', '7']), { minutes: 10, seed: 7 });
  t.equal(parseSoakOptions(['--help']).help, true);
  t.throws(() => parseSoakOptions(['--minutes', '0']), /--minutes/);
  t.throws(() => parseSoakOptions(['--seconds', '1']));
});
