// The lines of a stream of text. Promise: each is told whole, without its end, which is a line feed and nothing
// else: JSON may hold U+2028, at which readline would end a line. What stands behind the last is told too.

import type { Readable } from 'node:stream';

export function eachLine(stream: Readable, told: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) told(line);
  });
  stream.on('end', () => {
    if (rest !== '') told(rest);
  });
}
