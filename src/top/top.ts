// `faktory-bouncer top`: updates of a bouncer on a terminal, or as lines for a program. Promise: the
// terminal is left as it was found, however it ends; anything but a terminal gets no escape sequence.

import { setTimeout as sleep } from 'node:timers/promises';
import { shownTarget, type Target, updates } from '../admin/admin-client.ts';
import type { Update } from '../admin/schemas.ts';
import { Keys } from './keys.ts';
import { screen } from './screen.ts';
import { Terminal, type TerminalInput, type TerminalOutput } from './terminal.ts';

export interface TopOptions {
  readonly target: Target;
  /** The operator token; empty for none. */
  readonly token: string;
  /** Ends after the first update. */
  readonly once: boolean;
  /** Each update is one line of JSON. */
  readonly json: boolean;
  /** Aborted: it ends in good order. */
  readonly stop: AbortController;
  readonly input: TerminalInput;
  readonly output: TerminalOutput;
}

/** How long a lost bouncer is left alone before it is asked again. */
const RETRY_MS = 2000;

/** Resolves when the reader has had enough; rejects where nothing can be read. */
export async function top(options: TopOptions): Promise<void> {
  const isInteractive = options.output.isTTY === true && !options.once && !options.json;
  const { stop } = options;
  // As in `top | head`: the reader has gone.
  options.output.on('error', () => stop.abort());
  if (isInteractive) await interactive(options, stop);
  else await printed(options, stop.signal);
}

async function printed(options: TopOptions, signal: AbortSignal): Promise<void> {
  const { target, token, output } = options;
  for await (const update of updates(target, token, signal)) {
    output.write(options.json ? `${jsonText(update)}\n` : plainText(update));
    if (options.once) return;
  }
  if (!signal.aborted)
    throw new Error(
      `Cannot continue to read from ${shownTarget(target)}: it has closed the stream`,
    );
}

/** JSON escapes the control characters below U+0020; terminals obey some above U+007E too. */
function jsonText(update: Update): string {
  return JSON.stringify(update).replace(
    /[\u007f-\u009f]/g,
    (control) => `\\u00${control.charCodeAt(0).toString(16)}`,
  );
}

function plainText(update: Update): string {
  const view = { sort: 'worst', filter: '', columns: Infinity, rows: Infinity } as const;
  return `${screen(update, view)
    .map(({ text }) => text)
    .join('\n')}\n\n`;
}

async function interactive(
  { target, token, input, output }: TopOptions,
  stop: AbortController,
): Promise<void> {
  const terminal = new Terminal(input, output);
  const keys = new Keys();
  let last: Update | null = null;
  let trouble = '';
  const draw = (): void => {
    const view = { ...keys.view, columns: terminal.columns, rows: terminal.rows - 1 };
    const lines = last === null ? [] : screen(last, view);
    terminal.draw(lines, trouble === '' ? keys.prompt : trouble);
  };
  terminal.open({
    key: (key) => {
      if (keys.press(key) === 'quit') stop.abort();
      else draw();
    },
    resized: draw,
  });
  try {
    while (!stop.signal.aborted) {
      try {
        for await (const update of updates(target, token, stop.signal)) {
          last = update;
          trouble = '';
          draw();
        }
      } catch (error) {
        // The first try tells whether there is anything to see at all.
        if (last === null) throw error;
        trouble = error instanceof Error ? error.message : String(error);
      }
      if (stop.signal.aborted) return;
      draw();
      await sleep(RETRY_MS, undefined, { signal: stop.signal }).catch(() => {});
    }
  } finally {
    terminal.close();
  }
}
