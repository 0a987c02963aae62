// How deep a YAML text goes. Promise: found token by token, so that no text, however deep, overflows a
// stack or takes longer than its first few levels.

import { Lexer, LineCounter, Parser } from 'yaml';

/** Levels of keys and lists in each other, with room for a list where a value belongs. */
export const DEPTH_MAX = 16;

/** A place in a text, as people count: from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** Where the text first goes more than DEPTH_MAX levels deep; null if it does not. */
export function tooDeepAt(text: string): Place | null {
  const lines = new LineCounter();
  lines.addNewLine(0);
  const parser = new Parser(lines.addNewLine);
  for (const lexeme of new Lexer().lex(text)) {
    // It yields whole documents; only the depth inside of one matters here.
    for (const _document of parser.next(lexeme));
    if (parser.stack.length <= DEPTH_MAX + 1) continue;
    const { line, col } = lines.linePos(parser.offset - lexeme.length);
    return { line, column: col };
  }
  return null;
}
