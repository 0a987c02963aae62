// A terminal by its escape sequences: a screen of its own, colours, single keys. Promise: close()
// gives back what open() took; lines are written over the old ones, so that nothing flickers.

import { styleText } from 'node:util';
import type { Line, Tone } from './screen.ts';

/** What of process.stdin is used. */
export interface TerminalInput {
  readonly isTTY?: boolean | undefined;
  setRawMode?(isRaw: boolean): unknown;
  setEncoding(encoding: 'utf8'): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data', listener: (keys: string) => void): unknown;
}

/** What of process.stdout is used. */
export interface TerminalOutput {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number;
  readonly rows?: number;
  write(text: string): unknown;
  on(event: 'error' | 'resize', listener: () => void): unknown;
}

export interface TerminalListener {
  key(key: string): void;
  resized(): void;
}

const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const CLEAR_LINE = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';

const STYLES: Readonly<Record<Tone, Parameters<typeof styleText>[0] | null>> = {
  title: 'bold',
  head: 'inverse',
  plain: null,
  warn: 'yellow',
  bad: ['red', 'bold'],
};

export class Terminal {
  readonly #input: TerminalInput;
  readonly #output: TerminalOutput;

  constructor(input: TerminalInput, output: TerminalOutput) {
    this.#input = input;
    this.#output = output;
  }

  get columns(): number {
    return this.#output.columns ?? 80;
  }

  get rows(): number {
    return this.#output.rows ?? 24;
  }

  open(listener: TerminalListener): void {
    this.#output.write(ENTER_SCREEN);
    this.#output.on('resize', () => listener.resized());
    if (this.#input.isTTY !== true) return;
    this.#input.setRawMode?.(true);
    this.#input.setEncoding('utf8');
    this.#input.on('data', (keys) => listener.key(keys));
    this.#input.resume();
  }

  /** `footer` is the last line. */
  draw(lines: readonly Line[], footer: string): void {
    const styled = lines.map(({ tone, text }) => {
      const style = STYLES[tone];
      return style === null || text === ''
        ? text
        : styleText(style, text, { validateStream: false });
    });
    const body = styled.map((text) => `${text}${CLEAR_LINE}\n`).join('');
    const end = styleText('dim', footer.slice(0, this.columns), { validateStream: false });
    this.#output.write(`${HOME}${body}${end}${CLEAR_BELOW}`);
  }

  close(): void {
    if (this.#input.isTTY === true) {
      this.#input.setRawMode?.(false);
      this.#input.pause();
    }
    this.#output.write(LEAVE_SCREEN);
  }
}
