// Ways for the stand-in to misbehave, by name. A toxic strikes where it is injected: at a verb's
// reply, at HI, at HELLO's reply, or everywhere.

export type Toxic =
  /** Says nothing and executes nothing, until it is lifted. */
  | { readonly kind: 'stall' }
  /** Answers this many milliseconds late; the command is executed at once. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Each byte leaves by a write, in a turn, of its own. Goes together with other toxics. */
  | { readonly kind: 'split' }
  /** Not executed: `-ERR shutdown in progress`, then a close, as Faktory does on SIGTERM. */
  | { readonly kind: 'shutdown' }
  /** Not executed, and the connection is closed without a word. */
  | { readonly kind: 'close-before' }
  /** Executed, and the connection is closed after this many bytes of the reply. */
  | { readonly kind: 'die-mid-reply'; readonly bytes: number }
  /** Executed, and RST comes in place of the reply. */
  | { readonly kind: 'reset' }
  /** Executed, and FIN comes in place of the reply; it goes on reading. */
  | { readonly kind: 'half-close' }
  /** Executed; the reply, and this text behind it. */
  | { readonly kind: 'extra'; readonly text: string }
  /** Executed; this text in place of the reply. */
  | { readonly kind: 'instead'; readonly text: string };

export const stall: Toxic = { kind: 'stall' };
export const split: Toxic = { kind: 'split' };
export const shutdown: Toxic = { kind: 'shutdown' };
export const closeBefore: Toxic = { kind: 'close-before' };
export const reset: Toxic = { kind: 'reset' };
export const halfClose: Toxic = { kind: 'half-close' };

export function delay(delayMs: number): Toxic {
  return { kind: 'delay', delayMs };
}

export function dieMidReply(bytes: number): Toxic {
  return { kind: 'die-mid-reply', bytes };
}

/** One more reply than was asked for. */
export function extraReply(text = '+OK\r\n'): Toxic {
  return { kind: 'extra', text };
}

/** Bytes that are no reply. */
export function garbage(text = '\u0000?garbage\r\n'): Toxic {
  return { kind: 'instead', text };
}

/** A reply of the test's choice in place of the real one, `-ERR …\r\n` say. */
export function instead(text: string): Toxic {
  return { kind: 'instead', text };
}

export interface ToxicPlace {
  /** A verb, `HI` (on connecting) or `HELLO`. Default: everywhere. */
  readonly on?: string;
  /** The connection's number. Default: each. */
  readonly connection?: number;
  /** How often it strikes before it lifts itself. Default: until it is lifted. */
  readonly times?: number;
}

export interface InjectedToxic {
  readonly toxic: Toxic;
  /** Aborted when it is lifted. */
  readonly lifted: AbortSignal;
}

interface Entry extends InjectedToxic {
  readonly place: ToxicPlace;
  readonly controller: AbortController;
  strikesLeft: number;
}

export class Toxics {
  readonly #entries = new Set<Entry>();

  /** Returns the function that lifts it. */
  inject(toxic: Toxic, place: ToxicPlace): () => void {
    const controller = new AbortController();
    const entry: Entry = {
      toxic,
      place,
      controller,
      lifted: controller.signal,
      strikesLeft: place.times ?? Infinity,
    };
    this.#entries.add(entry);
    return () => this.#lift(entry);
  }

  liftAll(): void {
    for (const entry of this.#entries) this.#lift(entry);
  }

  /** Those that strike here and now, in the order in which they were injected. */
  strike(on: string, connection: number): InjectedToxic[] {
    const struck: InjectedToxic[] = [];
    for (const entry of this.#entries) {
      const { place } = entry;
      if (place.on !== undefined && place.on !== on) continue;
      if (place.connection !== undefined && place.connection !== connection) continue;
      struck.push(entry);
      entry.strikesLeft -= 1;
      // Spent, not lifted: a stall that strikes once lasts until it is lifted.
      if (entry.strikesLeft === 0) this.#entries.delete(entry);
    }
    return struck;
  }

  #lift(entry: Entry): void {
    this.#entries.delete(entry);
    entry.controller.abort();
  }
}
