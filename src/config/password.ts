// FAKTORY_PASSWORD as Faktory 1.7 itself reads it (cli/cli.go fetchPassword): a value, or when it
// starts with a slash the name of a file. Promise: no refusal holds the password.

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
  let bytes: Uint8Array;
  try {
    bytes = readFile(value);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return {
      refused: `Cannot read the file that it names (${why}): a value that starts with / names a file, as in Faktory. Name a file that this process may read.`,
    };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const password = goTrimmed(text);
    return { password, warning: password === '' ? emptyFile(value) : null };
  } catch {
    return {
      refused:
        'Cannot use the file that it names: it is not UTF-8. Write the password as UTF-8 text.',
    };
  }
}

function emptyFile(path: string): string {
  return `The file ${JSON.stringify(path)}, which FAKTORY_PASSWORD names, is empty, so there is no password: clients need none, and a Faktory that has one refuses the bouncer. Write the password to the file, or unset FAKTORY_PASSWORD.`;
}

/** Go's strings.TrimSpace, which unlike `trim` takes U+0085 for white space and U+FEFF not. */
function goTrimmed(text: string): string {
  return text.replace(/^\p{White_Space}+/u, '').replace(/\p{White_Space}+$/u, '');
}
