// How full a capped thing is. Promise: a cap of 0 reads as full, never as a division by zero, and a
// cap that was lowered below what is there reads as above 1 until enough has left.

export function ratio(taken: number, cap: number): number {
  return cap > 0 ? taken / cap : 1;
}
