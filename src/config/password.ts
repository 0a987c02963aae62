// Faktory's password from FAKTORY_PASSWORD, and passwords from files that options name. Promise: no
// refusal holds a password.
// Faktory 1.7 (cli/cli.go fetchPassword) takes FAKTORY_PASSWORD for the name of a file if it starts
// with a slash, otherwise for the password. So does this.

/** The password, empty when there is none, with a warning where that may be a slip; or why it cannot be read. */
export type PasswordRead =
  { readonly password: string; readonly warning: string | null } | { readonly refused: string };

/** `readFile` may throw; the caller decides how files are read. */
export function readPassword(
  value: string | undefined,
  readFile: (path: string) => Uint8Array,
): PasswordRead {
  if (value === undefined || !value.startsWith('/')) {
    return { password: value ?? '', warning: null };
  }
  const read = readText(value, readFile);
  switch (read.kind) {
    case 'unreadable':
      return {
        refused: `Cannot read the file that it names (${read.why}): a value that starts with / names a file, as in Faktory. Name a file that this process may read.`,
      };
    case 'not_utf8':
      return {
        refused:
          'Cannot use the file that it names: it is not UTF-8. Write the password as UTF-8 text.',
      };
    case 'text':
      return { password: read.text, warning: read.text === '' ? emptyFile(value) : null };
  }
}

/** The password in the file of option `key`; empty if the option is. */
export function readPasswordFile(
  key: 'listen.previous_password_file' | 'shared_limits.redis_password_file',
  path: string,
  readFile: (path: string) => Uint8Array,
): { readonly password: string } | { readonly refused: string } {
  if (path === '') return { password: '' };
  const read = readText(path, readFile);
  const start = `Cannot use ${key}:`;
  switch (read.kind) {
    case 'unreadable':
      return {
        refused: `${start} the file cannot be read (${read.why}). Name a file that this process may read.`,
      };
    case 'not_utf8':
      return { refused: `${start} the file is not UTF-8. Write the password as UTF-8 text.` };
    case 'text':
      if (read.text !== '') return { password: read.text };
      return {
        refused: `${start} the file is empty. Write the password to it, or unset the option.`,
      };
  }
}

type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'not_utf8' };

/** The text of the file without white space around it. */
function readText(path: string, readFile: (path: string) => Uint8Array): FileText {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { kind: 'unreadable', why };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { kind: 'text', text: goTrimmed(text) };
  } catch {
    return { kind: 'not_utf8' };
  }
}

function emptyFile(path: string): string {
  return `The file ${JSON.stringify(path)}, which FAKTORY_PASSWORD names, is empty, so there is no password: clients need none, and a Faktory that has one refuses the bouncer. Write the password to the file, or unset FAKTORY_PASSWORD.`;
}

/** Go's strings.TrimSpace, which unlike `trim` takes U+0085 for white space and U+FEFF not. */
function goTrimmed(text: string): string {
  return text.replace(/^\p{White_Space}+/u, '').replace(/\p{White_Space}+$/u, '');
}
