// The bytes that the protocol gives a meaning to.

export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;

/** Where a line's content ends: before LF, and before a CR in front of it. */
export function contentEnd(line: Buffer): number {
  const end = line.length - 1;
  return end > 0 && line[end - 1] === CR ? end - 1 : end;
}
