// What is sent back for a request.

export interface Answer {
  readonly status: number;
  readonly body: string | Buffer;
  readonly contentType: string;
  /** Sent with the page's content security policy. */
  readonly isPage?: true;
  /** The body is a stream of events. */
  readonly streams?: true;
  /** What WWW-Authenticate says. */
  readonly challenge?: string;
  /** What Allow says. */
  readonly allow?: string;
  /** Done once the answer has been handed to the system. */
  readonly afterwards?: () => void;
}

/** One line of text. */
export function text(status: number, line: string): Answer {
  return { status, body: `${line}\n`, contentType: 'text/plain; charset=utf-8' };
}

export function json(status: number, value: object): Answer {
  return { status, body: `${JSON.stringify(value)}\n`, contentType: 'application/json' };
}

/** As the path's readers expect it: programs of /api read JSON. */
export function failure(path: string, status: number, line: string): Answer {
  return path.startsWith('/api/') ? json(status, { error: line }) : text(status, line);
}
