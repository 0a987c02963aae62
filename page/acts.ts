// What the reader wants done: asked for, confirmed with the operator token, and told. Promise: the token
// is held in memory until the page is closed or the bouncer refuses it, and nowhere else.

import { signal } from '@preact/signals';
import { notice } from './model.ts';

export interface Act {
  /** As a question's verb: "Disconnect worker abc". */
  readonly title: string;
  /** What will happen. */
  readonly effect: string;
  readonly path: string;
}

/** What waits to be confirmed; null: nothing. */
export const asked = signal<Act | null>(null);
export const hasToken = signal(false);
/** Why the last try failed; empty: it did not. */
export const failure = signal('');

let token = '';

export function ask(act: Act): void {
  failure.value = '';
  asked.value = act;
}

/** `typed`: a token, where the page has none yet. */
export async function confirm(act: Act, typed: string): Promise<void> {
  if (typed !== '') token = typed;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  try {
    const response = await fetch(act.path, { method: 'POST', headers });
    const body = (await response.json()) as { error?: string; disconnected?: number };
    hasToken.value = response.status !== 401;
    if (!response.ok) {
      failure.value = body.error ?? `The bouncer answered ${response.status}`;
      return;
    }
    notice.value =
      body.disconnected === undefined
        ? `Done: ${act.title}.`
        : `Done: ${act.title}. Connections closed: ${body.disconnected}.`;
    asked.value = null;
  } catch {
    failure.value = 'The bouncer does not answer';
  }
}
