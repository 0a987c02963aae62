// An input made from others. Promise: it stays below a bound.

import type { Dice } from './dice.ts';

const INPUT_BYTES_MAX = 4096;

/** One to four changes to `input`; `others` give pieces too. */
export function mutated(
  input: Buffer,
  others: readonly Buffer[],
  dictionary: readonly string[],
  dice: Dice,
): Buffer {
  let bytes = input;
  for (let changes = 1 + dice.below(4); changes > 0; changes -= 1) {
    bytes = changed(bytes, others, dictionary, dice);
  }
  return bytes.subarray(0, INPUT_BYTES_MAX);
}

function changed(
  input: Buffer,
  others: readonly Buffer[],
  dictionary: readonly string[],
  dice: Dice,
): Buffer {
  const at = dice.below(input.length + 1);
  const length = dice.below(Math.min(16, input.length - at) + 1);
  const before = input.subarray(0, at);
  const piece = input.subarray(at, at + length);
  const behind = input.subarray(at + length);
  switch (dice.below(8)) {
    case 0:
      return Buffer.concat([before, behind]);
    case 1:
      return Buffer.concat([before, Buffer.from([dice.below(256)]), piece, behind]);
    case 2: {
      const flipped = Buffer.from(input);
      if (at < flipped.length) flipped[at] = (flipped[at] ?? 0) ^ (1 << dice.below(8));
      return flipped;
    }
    case 3:
      return Buffer.concat([before, piece, piece, behind]);
    case 4: {
      const other = dice.pick(others);
      return Buffer.concat([before, other.subarray(dice.below(other.length + 1))]);
    }
    case 5:
      return Buffer.concat([before, Buffer.from(dice.pick(dictionary)), behind]);
    default:
      return Buffer.concat([before, Buffer.from(dice.pick(dictionary)), piece, behind]);
  }
}
