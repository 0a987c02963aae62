// HI, both ways. Promise: the greeting that Faktory's clients know, and what Faktory's own says.

/** What HI asks for: nothing, or a hash of password and salt. */
export interface Challenge {
  readonly salt: string;
  readonly rounds: number;
}

/** Fewest rounds that a challenge may ask for; Faktory asks for 4000 to 8095. */
const ROUNDS_MIN = 1;
/** Most rounds that are worked for; a server that asks for more is not Faktory. */
const ROUNDS_MAX = 100_000;

export function hiLine(challenge: Challenge | null): string {
  if (challenge === null) return '+HI {"v":2}\r\n';
  return `+HI {"v":2,"i":${challenge.rounds},"s":"${challenge.salt}"}\r\n`;
}

export type Hi =
  | { readonly kind: 'hi'; readonly challenge: Challenge | null }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'invalid' };

/** Reads the server's first line (without its line end). */
export function parseHi(text: string): Hi {
  if (text.startsWith('-')) return { kind: 'error', text: text.slice(1) };
  if (!text.startsWith('+HI {')) return { kind: 'invalid' };
  let fields: unknown;
  try {
    fields = JSON.parse(text.slice('+HI '.length));
  } catch {
    return { kind: 'invalid' };
  }
  const { i: rounds, s: salt } = fields as { i?: unknown; s?: unknown };
  if (salt === undefined) return { kind: 'hi', challenge: null };
  if (typeof salt !== 'string' || typeof rounds !== 'number' || !Number.isInteger(rounds)) {
    return { kind: 'invalid' };
  }
  if (rounds < ROUNDS_MIN || rounds > ROUNDS_MAX) return { kind: 'invalid' };
  return { kind: 'hi', challenge: { salt, rounds } };
}
