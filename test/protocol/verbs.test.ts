// What each verb means, and what becomes of a command of it when its server connection is lost.

import t from 'tap';
import { afterLoss, type AfterLoss, isWorthSending } from '../../src/protocol/after-loss.ts';
import { MEANING, type Verb, VERBS } from '../../src/protocol/verbs.ts';

const AGAIN = 'sent_again';
const DROP = 'dropped';
const UNKNOWN = 'outcome_unknown';

interface Losses {
  /** With its client here, and with its client gone. */
  readonly unsent: readonly [AfterLoss, AfterLoss];
  readonly unanswered: readonly [AfterLoss, AfterLoss];
}

const LOSSES: Readonly<Record<Verb, Losses>> = {
  PUSH: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  PUSHB: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  FETCH: { unsent: [AGAIN, DROP], unanswered: [AGAIN, DROP] },
  ACK: { unsent: [AGAIN, AGAIN], unanswered: [AGAIN, AGAIN] },
  FAIL: { unsent: [AGAIN, AGAIN], unanswered: [UNKNOWN, UNKNOWN] },
  BEAT: { unsent: [AGAIN, DROP], unanswered: [AGAIN, DROP] },
  INFO: { unsent: [AGAIN, DROP], unanswered: [AGAIN, DROP] },
  FLUSH: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  MUTATE: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  QUEUE: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  BATCH: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  TRACK: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  END: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
  OTHER: { unsent: [AGAIN, DROP], unanswered: [UNKNOWN, UNKNOWN] },
};

t.test('a lost server connection costs each verb what the table says', async (t) => {
  for (const verb of VERBS) {
    for (const fate of ['unsent', 'unanswered'] as const) {
      const [here, gone] = LOSSES[verb][fate];
      t.equal(afterLoss(verb, fate, true), here, `${verb} ${fate}, its client here`);
      t.equal(afterLoss(verb, fate, false), gone, `${verb} ${fate}, its client gone`);
    }
    for (const clientIsHere of [true, false]) {
      t.equal(afterLoss(verb, 'partly_answered', clientIsHere), UNKNOWN, `${verb} cut`);
    }
  }
});

t.test('only what tells of a job is sent for a client that has left', async (t) => {
  for (const verb of VERBS) t.equal(isWorthSending(verb, true), true, verb);
  t.same(
    VERBS.filter((verb) => isWorthSending(verb, false)),
    ['ACK', 'FAIL'],
  );
});

/** The verbs of which `holds` is true, in the order of VERBS. */
function which(holds: (verb: Verb) => boolean): readonly Verb[] {
  return VERBS.filter(holds);
}

t.test('each column names the verbs that it should', async (t) => {
  t.same(
    which((verb) => MEANING[verb].pace === 'quick'),
    ['PUSH', 'FETCH', 'ACK', 'FAIL', 'BEAT', 'TRACK'],
  );
  t.same(
    which((verb) => MEANING[verb].isBounded),
    ['PUSH', 'PUSHB', 'FETCH', 'ACK', 'FAIL', 'BEAT'],
  );
  t.same(
    which((verb) => MEANING[verb].redis === 'untouched'),
    ['BEAT', 'END', 'OTHER'],
  );
  t.same(
    which((verb) => MEANING[verb].redis === 'proven'),
    ['FAIL', 'FLUSH', 'MUTATE'],
  );
  t.same(
    which((verb) => MEANING[verb].storesJob),
    ['PUSH', 'PUSHB', 'FAIL'],
  );
  t.same(
    which((verb) => MEANING[verb].reply === 'whole'),
    ['PUSHB', 'FETCH'],
  );
  t.same(
    which((verb) => MEANING[verb].alone),
    ['FETCH', 'END'],
  );
});

t.test('the meanings have one shape, so that reading them stays fast', async (t) => {
  const columns = Object.keys(MEANING.OTHER);
  for (const verb of VERBS) t.same(Object.keys(MEANING[verb]), columns, verb);
});
