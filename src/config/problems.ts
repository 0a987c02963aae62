// What can be wrong with a configuration, and where it was written. Promise: a problem
// says which line, variable or flag to change, and to what.

/** Where a value was written. */
export type Origin =
  | {
      readonly kind: 'file';
      readonly file: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'command line'; readonly flag: string }
  | { readonly kind: 'default' };

/** One thing that an operator has to change. */
export interface Problem {
  readonly origin: Origin;
  readonly text: string;
}

/** The problem on one line, editors find the place by its start. */
export function formatProblem({ origin, text }: Problem): string {
  switch (origin.kind) {
    case 'file':
      return `${origin.file}:${origin.line}:${origin.column}: ${text}`;
    case 'environment':
      return `environment variable ${origin.variable}: ${text}`;
    case 'command line':
      return `command line ${origin.flag}: ${text}`;
    case 'default':
      return text;
  }
}
