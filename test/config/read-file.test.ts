// Files that do not end, or do not begin: what a configuration names is read within a bound.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FILE_BYTES_MAX, readFileBounded } from '../../src/config/read-file.ts';

const dir = t.testdir();

function pipe(name: string): string {
  const path = join(dir, name);
  const { status, stderr } = spawnSync('mkfifo', [path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Cannot make a pipe: ${stderr}`);
  return path;
}

t.test('a regular file is read to its end, up to the bound', async (t) => {
  const path = join(dir, 'file');
  writeFileSync(path, 'x'.repeat(200_000));
  for (const reading of ['once', 'again'] as const) {
    t.equal(readFileBounded(path, reading).toString(), 'x'.repeat(200_000), reading);
  }
  truncateSync(path, FILE_BYTES_MAX);
  t.equal(readFileBounded(path, 'again').length, FILE_BYTES_MAX);
  truncateSync(path, FILE_BYTES_MAX + 1);
  t.throws(() => readFileBounded(path, 'again'), { code: 'it has more than 16777216 bytes' });
});

t.test('an empty file, and what is not there', async (t) => {
  const path = join(dir, 'empty');
  writeFileSync(path, '');
  t.equal(readFileBounded(path, 'once').length, 0);
  t.equal(readFileBounded('/dev/null', 'once').length, 0);
  t.throws(() => readFileBounded(join(dir, 'none'), 'once'), { code: 'ENOENT' });
  t.throws(() => readFileBounded(dir, 'once'), { code: 'EISDIR' });
});

t.test('a pipe is read once, at the start, and not again', async (t) => {
  const path = pipe('written');
  const writer = spawn('sh', ['-c', 'printf "sesame\\n" > "$1"', 'sh', path]);
  t.equal(readFileBounded(path, 'once', 60_000).toString(), 'sesame\n');
  await once(writer, 'exit');
  t.throws(() => readFileBounded(path, 'again'), {
    code: 'it is a pipe, and only a regular file can be read again',
  });
});

t.test('a pipe that is not written to is not waited for without end', async (t) => {
  const path = pipe('silent');
  t.throws(() => readFileBounded(path, 'once', 100), {
    code: 'it is a pipe that was not written to its end within 100 ms',
  });
});

t.test('a pipe that is written to without end is cut off', async (t) => {
  const path = pipe('endless');
  const writer = spawn('sh', ['-c', 'cat /dev/zero > "$1"', 'sh', path]);
  t.teardown(() => writer.kill('SIGKILL'));
  t.throws(() => readFileBounded(path, 'once', 60_000), {
    code: 'it has more than 16777216 bytes',
  });
});
