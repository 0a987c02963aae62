// Faktory's replies as the load generator reads them: bytes in, whole replies out. It shares no code
// with the bouncer on purpose, so that a mistake in one does not hide in the other.

const CR = 0x0d;
const LF = 0x0a;
const NOTHING = Buffer.alloc(0);

export type Reply =
  | { readonly kind: 'text'; readonly text: string }
  /** The text is the whole line, with its mark: the very words. */
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'bulk'; readonly body: string | null };

const NIL: Reply = { kind: 'bulk', body: null };
const OK: Reply = { kind: 'text', text: 'OK' };

export class ReplyReader {
  #rest: Buffer = NOTHING;

  /** Takes a chunk that may be reused after the call, and hands on each reply that is whole. */
  feed(chunk: Buffer, take: (reply: Reply) => void): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = bytes.indexOf(LF, at);
      if (end < 0) break;
      const next = readOne(bytes, at, end);
      if (next === null) break;
      at = next.end;
      take(next.reply);
    }
    // A copy: the chunk's memory belongs to the caller.
    this.#rest = at === bytes.length ? NOTHING : Buffer.from(bytes.subarray(at));
  }
}

/** Reads the reply whose first line is `from` to `lineFeed`; null when its body is not all there. */
function readOne(
  bytes: Buffer,
  from: number,
  lineFeed: number,
): { readonly reply: Reply; readonly end: number } | null {
  const lineEnd = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed;
  const after = lineFeed + 1;
  const mark = String.fromCharCode(bytes[from] ?? 0);
  const text = bytes.toString('utf8', from + 1, lineEnd);
  switch (mark) {
    case '+':
    case ':':
      return { reply: text === 'OK' ? OK : { kind: 'text', text }, end: after };
    case '-':
      return { reply: { kind: 'error', text: `-${text}` }, end: after };
    case '$': {
      const length = Number(text);
      if (length < 0) return { reply: NIL, end: after };
      const end = after + length + 2;
      if (end > bytes.length) return null;
      const body = bytes.toString('utf8', after, after + length);
      return { reply: { kind: 'bulk', body }, end };
    }
    default:
      throw new Error(`Cannot read the reply: it starts with ${JSON.stringify(mark)}`);
  }
}
