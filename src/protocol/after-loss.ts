// What becomes of a command whose server connection was lost. Promise: decided by what Faktory may have
// done with it and by its verb alone. Pure.

import { MEANING, type Verb } from './verbs.ts';

/** How far a command had come when its server connection was lost. */
export type LostFate =
  /** Faktory has not executed it: it was not sent, or met the server's shutdown. */
  | 'unsent'
  /** Faktory may have executed it. */
  | 'unanswered'
  /** Part of its reply has been passed on, or has arrived where the reply is held until it is whole. */
  | 'partly_answered';

export type AfterLoss =
  /** It goes over another server connection. */
  | 'sent_again'
  /** Faktory has not seen it, and no client waits for it. */
  | 'dropped'
  /** It may have been executed: its client cannot be told what became of it. */
  | 'outcome_unknown';

/** `clientIsHere`: the client still waits for the reply. */
export function afterLoss(verb: Verb, fate: LostFate, clientIsHere: boolean): AfterLoss {
  const meaning = MEANING[verb];
  switch (fate) {
    case 'partly_answered':
      return 'outcome_unknown';
    case 'unanswered':
      if (meaning.unanswered === 'outcome_unknown') return 'outcome_unknown';
      break;
    case 'unsent':
      break;
  }
  return isWorthSending(verb, clientIsHere) ? 'sent_again' : 'dropped';
}

/** Whether a command that waits is sent, even if its client has left. */
export function isWorthSending(verb: Verb, clientIsHere: boolean): boolean {
  return clientIsHere || MEANING[verb].clientGone === 'sent';
}
