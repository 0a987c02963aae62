// The bytes that have a meaning in the protocol, and the questions that every parser asks of bytes.

export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;

/** Where a line's content ends: before LF, and before a CR in front of it. */
export function contentEnd(line: Buffer): number {
  const end = line.length - 1;
  return end > 0 && line[end - 1] === CR ? end - 1 : end;
}

/** A copy of the bytes from `start` up to `end`, for a caller that has only borrowed them. */
export function copyOf(bytes: Buffer, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  bytes.copy(copy, 0, start, end);
  return copy;
}
