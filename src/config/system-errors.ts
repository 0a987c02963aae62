// What the system says of a file, a port or a host, in words. Pure.

const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  ENOENT: 'there is no such file',
  ENOTFOUND: 'the host name is unknown',
};

/** The words for a known code, with the code; else the message of `error`. */
export function wordsFor(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  const words = WORDS[code];
  return words === undefined ? error.message : `${words} (${code})`;
}
