// The corpus, each input once; that the fuzzer finds a defect that was put there; and a few conversations
// with the real Faktory.

import t from 'tap';
import { verbOf } from '../../src/protocol/command.ts';
import { requireFaktory } from '../support/real-faktory.ts';
import type { Conversation } from './conversation.ts';
import { fuzzConversations } from './conversations.ts';
import { Coverage } from './coverage.ts';
import { errorOf, fuzzGuided } from './guided.ts';
import { corpusOf, type Target } from './target.ts';
import { TARGETS } from './targets.ts';

// First: V8 counts blocks only in code that is compiled after the coverage has begun.
t.test('an input that reaches new code is told from one that does not', async (t) => {
  const coverage = new Coverage();
  coverage.start();
  coverage.isNew();
  verbOf(Buffer.from('PUSH {}\n'));
  t.equal(coverage.isNew(), true, 'the first verb of four letters');
  verbOf(Buffer.from('PUSH {}\n'));
  t.equal(coverage.isNew(), false, 'the same again');
  verbOf(Buffer.from('MUTATE {}\n'));
  t.equal(coverage.isNew(), true, 'the branch of six letters');
  coverage.stop();
});

for (const target of TARGETS) {
  t.test(`${target.name}: the seeds and the corpus pass`, async (t) => {
    const inputs = [...target.seeds.map((text) => Buffer.from(text)), ...corpusOf(target.name)];
    t.ok(inputs.length > target.seeds.length, 'there is a corpus');
    for (const input of inputs) {
      const failure = errorOf(target, input);
      if (failure !== null)
        t.fail(JSON.stringify(input.toString('latin1')), { found: failure.error });
    }
  });
}

t.test('a defect that was put there is found, and its input made small', async (t) => {
  const planted: Target = {
    name: 'planted',
    seeds: ['xxxxxxxxxxxx\n'],
    dictionary: ['MUTATE', ' ', 'x'],
    run: (input) => {
      if (input.length > 0 && verbOf(input) === 'MUTATE') throw new Error('planted');
    },
  };
  const coverage = new Coverage();
  coverage.start();
  let inputs = 0;
  const isOver = (): boolean => (inputs += 1) > 20_000;
  const found = fuzzGuided(planted, 1, coverage, {
    isGuided: () => false,
    isOver,
    measuredEach: 1,
  });
  t.match(found.failure?.error, { message: 'planted' });
  t.match(found.failure?.input.toString(), /^MUTATE.?$/s);
});

t.test(
  'conversations with the real Faktory are the same bytes, directly and through bouncers',
  { skip: requireFaktory(t) === undefined },
  async (t) => {
    const corpus = corpusOf('conversations').map(
      (text) => JSON.parse(text.toString()) as Conversation,
    );
    let rounds = 0;
    for (const given of corpus.length > 0 ? [null, corpus] : [null]) {
      const run = await fuzzConversations(1, () => (rounds += 1) > 4, given);
      t.equal(run.failure, null);
      t.ok(run.conversations > 0);
    }
  },
);
