// Reads the files that a configuration is made of. Promise: it comes back within a bound, in bytes and in
// time, whatever the path names; a pipe without a writer is an error, not a standstill.

import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';

/** Far above any configuration; a file of TLS may have less (tls-files.ts). */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
const PIPE_MS = 5000;
const PIPE_AGAIN_MS = 20;
const PIECE_BYTES = 64 * 1024;

/**
 * `once`: at the start, when a pipe may be read. `again`: at a reload, when it has been read to its end and
 * would give something else, so only regular files are read.
 */
export type Reading = 'once' | 'again';

/** A file that is not read. `code` says why, as those of the system do. */
export class UnreadableFile extends Error {
  override readonly name = 'UnreadableFile';
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

/** The file's bytes; throws the system's error, or an UnreadableFile. Blocks for `pipeMs` at most. */
export function readFileBounded(path: string, reading: Reading, pipeMs = PIPE_MS): Buffer {
  // Without O_NONBLOCK the open of a pipe waits for one who writes to it.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const facts = fstatSync(file);
    if (facts.isFile()) return readRegular(file);
    const kind = kindOf(facts);
    if (reading === 'again')
      throw new UnreadableFile(`it is ${kind}, and only a regular file can be read again`);
    return readPipe(file, kind, { waitsForWriter: facts.isFIFO(), pipeMs });
  } finally {
    closeSync(file);
  }
}

function readRegular(file: number): Buffer {
  const pieces = new Pieces();
  while (pieces.read(file) > 0);
  return pieces.all();
}

function readPipe(
  file: number,
  kind: string,
  { waitsForWriter, pipeMs }: { waitsForWriter: boolean; pipeMs: number },
): Buffer {
  const pieces = new Pieces();
  const turns = Math.ceil(pipeMs / PIPE_AGAIN_MS);
  for (let turn = 0; turn < turns;) {
    const bytes = pieces.read(file);
    if (bytes > 0) continue;
    // A pipe without a writer looks like one that has been read to its end.
    const isOver = bytes === 0 && (pieces.length > 0 || !waitsForWriter);
    if (isOver) return pieces.all();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PIPE_AGAIN_MS);
    turn += 1;
  }
  throw new UnreadableFile(`it is ${kind} that was not written to its end within ${pipeMs} ms`);
}

class Pieces {
  readonly #pieces: Buffer[] = [];
  length = 0;

  /** How many bytes there were; 0 at the end, -1 if none are there yet. */
  read(file: number): number {
    const piece = Buffer.allocUnsafe(PIECE_BYTES);
    let bytes: number;
    try {
      bytes = readSync(file, piece);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return -1;
      throw error;
    }
    this.#pieces.push(piece.subarray(0, bytes));
    this.length += bytes;
    if (this.length > FILE_BYTES_MAX) {
      throw new UnreadableFile(`it has more than ${FILE_BYTES_MAX} bytes`);
    }
    return bytes;
  }

  all(): Buffer {
    return Buffer.concat(this.#pieces, this.length);
  }
}

function kindOf(facts: Stats): string {
  if (facts.isFIFO()) return 'a pipe';
  if (facts.isDirectory()) return 'a directory';
  if (facts.isSocket()) return 'a socket';
  return 'a device';
}
