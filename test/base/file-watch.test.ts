// Files that change in every way that operators and Kubernetes have.

import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { FileWatch } from '../../src/base/file-watch.ts';
import type { Clock, Timer } from '../../src/base/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SteadyClock } from '../support/steady-clock.ts';

/** A watch of `files`, and how often it has told a change. */
function watched(t: Test, files: readonly string[], clock: Clock = new SteadyClock()) {
  let told = 0;
  let next = Promise.withResolvers<void>();
  const watch = new FileWatch({
    clock,
    changed: () => {
      told += 1;
      next.resolve();
    },
  });
  const alive = setInterval(() => {}, 1000);
  t.teardown(() => {
    clearInterval(alive);
    watch.stop();
  });
  watch.start(files);
  return {
    watch,
    told: () => told,
    /** Resolves when a change is told. */
    change: async (): Promise<void> => {
      await next.promise;
      next = Promise.withResolvers<void>();
    },
  };
}

/** A clock that tells when the first look is over and the next one is set. */
class LookClock extends SteadyClock {
  looks = 0;
  readonly #waiters: { readonly count: number; readonly resolve: () => void }[] = [];

  override after(ms: number, act: () => void): Timer {
    this.looks += 1;
    for (const { count, resolve } of this.#waiters) if (this.looks >= count) resolve();
    return super.after(ms, act);
  }

  /** Resolves when `count` looks have been set. */
  async hasSet(count: number): Promise<void> {
    if (this.looks >= count) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push({ count, resolve });
    await promise;
  }
}

t.test('the symlink swap of a ConfigMap is a change', async (t) => {
  const dir = t.testdir({ first: { 'b.yaml': 'mode: session\n' } });
  const [data, file] = [join(dir, '..data'), join(dir, 'b.yaml')];
  symlinkSync('first', data);
  symlinkSync(join('..data', 'b.yaml'), file);
  const clock = new LookClock();
  const { change, told } = watched(t, [file], clock);
  await clock.hasSet(1);
  mkdirSync(join(dir, 'second'));
  writeFileSync(join(dir, 'second', 'b.yaml'), 'mode: pooled\n');
  symlinkSync('second', join(dir, '..data_tmp'));
  renameSync(join(dir, '..data_tmp'), data);
  rmSync(join(dir, 'first'), { recursive: true });
  await change();
  t.equal(told(), 1);
});

t.test('written in place, renamed over, removed: each is told once', async (t) => {
  const dir = t.testdir({ 'b.yaml': 'one' });
  const file = join(dir, 'b.yaml');
  const clock = new LookClock();
  const { change, told } = watched(t, [file], clock);
  await clock.hasSet(1);
  writeFileSync(file, 'two');
  await change();
  writeFileSync(join(dir, 'b.new'), 'three');
  renameSync(join(dir, 'b.new'), file);
  await change();
  unlinkSync(file);
  await change();
  t.equal(told(), 3);
});

t.test('a storm of events costs few looks, and bytes that come back are no change', async (t) => {
  const dir = t.testdir({ 'b.yaml': 'one' });
  const file = join(dir, 'b.yaml');
  const clock = new LookClock();
  const { watch, told } = watched(t, [file], clock);
  await clock.hasSet(1);
  for (let i = 0; i < 2000; i += 1) writeFileSync(join(dir, 'other'), String(i));
  writeFileSync(file, 'two');
  writeFileSync(file, 'one');
  await clock.hasSet(3);
  watch.stop();
  t.equal(told(), 0);
  t.ok(clock.looks <= 4, `${clock.looks} looks`);
});

t.test('without an event the poll sees a change, after two equal looks', async (t) => {
  const dir = t.testdir();
  const file = join(dir, 'late', 'b.yaml');
  const clock = new FakeClock();
  const { watch, told, change } = watched(t, [file], clock);
  /** Resolves when a look is over: the next one is set. */
  const looked = async (): Promise<void> => {
    while (clock.timers === 0) await new Promise(setImmediate);
  };
  await looked();
  mkdirSync(join(dir, 'late'));
  writeFileSync(file, 'one');
  clock.advance(10_000);
  await looked();
  t.equal(told(), 0, 'it may still be written');
  clock.advance(500);
  await change();
  t.equal(told(), 1);
  watch.stop();
  watch.start([file]);
  await looked();
  t.equal(told(), 1, 'what is there at a start is no change');
  const other = join(dir, 'other');
  watch.start([other]);
  await looked();
  writeFileSync(file, 'two');
  writeFileSync(other, 'one');
  clock.advance(10_000);
  await looked();
  clock.advance(500);
  await change();
  t.equal(told(), 2, 'the files may become others');
});
