// The lines of a stream of text, whatever its pieces are.

import { PassThrough } from 'node:stream';
import t from 'tap';
import { eachLine } from '../../src/processes/each-line.ts';

t.test('each line once, also where a character or a line comes in pieces', async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  eachLine(stream, (line) => lines.push(line));
  const bytes = Buffer.from('é\u2028\r1\n\n2\n3');
  for (const byte of bytes) stream.write(Buffer.of(byte));
  stream.end();
  await new Promise((resolve) => stream.once('end', resolve));
  t.strictSame(lines, ['é\u2028\r1', '', '2', '3']);
});

t.test('nothing behind the last line is no line', async (t) => {
  const stream = new PassThrough();
  const lines: string[] = [];
  eachLine(stream, (line) => lines.push(line));
  stream.end('1\n2\n');
  await new Promise((resolve) => stream.once('end', resolve));
  t.strictSame(lines, ['1', '2']);
});
