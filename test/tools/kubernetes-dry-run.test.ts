// The dry run at a cluster: every overlay is asked for, strictly. A script stands for kubectl, since there
// is no cluster here; kubectl's own words are its own.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import t, { type Test } from 'tap';

const PROGRAM = join(import.meta.dirname, '../../tools/kubernetes-dry-run.ts');
const OVERLAYS = ['sidecar', 'standalone'];

/** Runs the command with a kubectl that notes its arguments, and refuses those that `refused` matches. */
function run(t: Test, refused: string) {
  const directory = t.testdir();
  const notes = join(directory, 'notes');
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(notes, '');
  writeFileSync(
    join(bin, 'kubectl'),
    `#!/bin/sh\necho "$*" >> '${notes}'\ncase "$*" in ${refused}) exit 1;; esac\n`,
  );
  chmodSync(join(bin, 'kubectl'), 0o755);
  const { status, stderr } = spawnSync(process.execPath, [PROGRAM, '--context', 'staging'], {
    encoding: 'utf8',
    env: { PATH: `${bin}${delimiter}${process.env['PATH']}` },
  });
  return { status, stderr, asked: readFileSync(notes, 'utf8').trim().split('\n') };
}

t.test('every overlay is asked for at the server, strictly, and nothing is applied', async (t) => {
  const { status, asked } = run(t, 'nothing');
  t.equal(status, 0);
  t.equal(asked.length, OVERLAYS.length);
  for (const [i, overlay] of OVERLAYS.entries()) {
    t.match(
      asked[i],
      /^--context staging apply --dry-run=server --validate=strict -k \/.*\/overlays\//,
    );
    t.ok(asked[i]?.endsWith(`/${overlay}`), overlay);
  }
});

t.test('what one overlay meets does not keep the others from being tried', async (t) => {
  const { status, stderr, asked } = run(t, '*/sidecar');
  t.equal(status, 1);
  t.equal(asked.length, OVERLAYS.length);
  t.equal(stderr, 'Not accepted: sidecar\n');
});
