// A reply as tests read it, and a parser that takes bytes in any pieces.
// Of its own, so that tests do not judge the project's parser by itself.

export type Reply =
  | { readonly kind: 'status'; readonly text: string }
  | { readonly kind: 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'bulk'; readonly text: string | null };

export const ok: Reply = { kind: 'status', text: 'OK' };
export const nil: Reply = { kind: 'bulk', text: null };

/** As it reads on the wire: `+OK`, `-ERR …`, `:3`; a bulk reply's contents, or null for nil. */
export function replyText(reply: Reply): string | null {
  switch (reply.kind) {
    case 'status':
      return `+${reply.text}`;
    case 'error':
      return `-${reply.text}`;
    case 'integer':
      return `:${reply.value}`;
    case 'bulk':
      return reply.text;
  }
}

export class ReplyReader {
  #unread = Buffer.alloc(0);
  /** What has come since; put together when it may be enough, so that large replies cost no more. */
  #added: Buffer[] = [];
  #length = 0;
  /** How long what is unread must be for the next reply. */
  #wanted = 0;

  add(bytes: Buffer): void {
    this.#added.push(Buffer.from(bytes));
    this.#length += bytes.length;
  }

  /** The next whole reply, or undefined while it is not all there. Throws on what is no reply. */
  take(): Reply | undefined {
    if (this.#length < this.#wanted) return undefined;
    this.#putTogether();
    const lineEnd = this.#unread.indexOf('\r\n');
    if (lineEnd < 0) return undefined;
    const line = this.#unread.toString('utf8', 0, lineEnd);
    const text = line.slice(1);
    switch (line.charAt(0)) {
      case '+':
        return this.#cut(lineEnd + 2, { kind: 'status', text });
      case '-':
        return this.#cut(lineEnd + 2, { kind: 'error', text });
      case ':':
        return this.#cut(lineEnd + 2, { kind: 'integer', value: Number(text) });
      case '$':
        return this.#takeBulk(lineEnd + 2, Number(text));
      default:
        throw new Error(`Cannot read a reply: found ${JSON.stringify(line)}`);
    }
  }

  /** What no reply was made of yet. */
  takeRest(): string {
    this.#putTogether();
    const rest = this.#unread.toString('utf8');
    this.#unread = Buffer.alloc(0);
    this.#length = 0;
    return rest;
  }

  #putTogether(): void {
    if (this.#added.length === 0) return;
    this.#unread = Buffer.concat([this.#unread, ...this.#added]);
    this.#added = [];
  }

  #takeBulk(start: number, length: number): Reply | undefined {
    if (length < 0) return this.#cut(start, { kind: 'bulk', text: null });
    const end = start + length;
    if (this.#unread.length < end + 2) {
      this.#wanted = end + 2;
      return undefined;
    }
    const text = this.#unread.toString('utf8', start, end);
    return this.#cut(end + 2, { kind: 'bulk', text });
  }

  #cut(length: number, reply: Reply): Reply {
    this.#unread = this.#unread.subarray(length);
    this.#length = this.#unread.length;
    this.#wanted = 0;
    return reply;
  }
}
