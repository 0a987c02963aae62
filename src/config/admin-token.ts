// The operator token of the admin address: from its variable, or from the file that admin.token_file
// names. Promise: no refusal holds the token.

/** The variable that holds the token itself; it overrides `admin.token_file`. */
export const TOKEN_VARIABLE = 'FAKTORY_BOUNCER_ADMIN_TOKEN';

/** Shorter ones can be guessed. */
const CHARACTERS_MIN = 16;
/** Longer ones would not fit into a request's headers. */
const CHARACTERS_MAX = 1024;

/** The token, empty when there is none; or why it cannot be used. */
export type TokenRead = { readonly token: string } | { readonly refused: string };

/** `readFile` may throw; the caller decides how files are read. */
export function readAdminToken(
  value: string | undefined,
  file: string,
  readFile: (path: string) => Uint8Array,
): TokenRead {
  if (value !== undefined && value !== '') return checked(value);
  if (file === '') return { token: '' };
  try {
    return checked(new TextDecoder().decode(readFile(file)).trim());
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return {
      refused: `Cannot read the file ${JSON.stringify(file)} (${why}). Name a file that this process may read.`,
    };
  }
}

/** What fits into a header as it is, and cannot be guessed. */
function checked(token: string): TokenRead {
  const { length } = token;
  if (length < CHARACTERS_MIN || length > CHARACTERS_MAX || !/^[\x21-\x7e]*$/.test(token)) {
    return {
      refused: `Cannot use the operator token: it has ${length} characters. Allowed are ${CHARACTERS_MIN} to ${CHARACTERS_MAX} printable ASCII characters without spaces; \`openssl rand -hex 32\` makes one.`,
    };
  }
  return { token };
}
