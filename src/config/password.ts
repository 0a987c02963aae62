// FAKTORY_PASSWORD as Faktory 1.7 itself reads it (cli/cli.go fetchPassword): a value, or when it
// starts with a slash the name of a file. Promise: no refusal holds the password.

/** The password, empty when there is none, or why it cannot be read. */
export type PasswordRead = { readonly password: string } | { readonly refused: string };

/** `readFile` may throw; whoever calls decides how files are read. */
export function readPassword(
  value: string | undefined,
  readFile: (path: string) => Uint8Array,
): PasswordRead {
  if (value === undefined || !value.startsWith('/')) return { password: value ?? '' };
  let bytes: Uint8Array;
  try {
    bytes = readFile(value);
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return {
      refused: `Cannot read the file that it names (${why}): a value that starts with / is a file's name, as in Faktory. Name a file that this process may read.`,
    };
  }
  try {
    return {
      password: goTrimmed(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)),
    };
  } catch {
    return {
      refused:
        'Cannot use the file that it names: it is not UTF-8. Write the password as UTF-8 text.',
    };
  }
}

/** Go's strings.TrimSpace, which unlike `trim` takes U+0085 for white space and U+FEFF not. */
function goTrimmed(text: string): string {
  return text.replace(/^\p{White_Space}+/u, '').replace(/\p{White_Space}+$/u, '');
}
