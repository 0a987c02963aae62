// The same conversations with the real Faktory, directly and through bouncers. Promise: the replies that a
// client reads and the jobs that Redis stores are the same bytes, except what the guard names; Faktory
// outlives everything that the guard lets through.

import * as fc from 'fast-check';
import { Bouncer } from '../../src/bouncer.ts';
import { createLog } from '../../src/observe/log.ts';
import { verbOf } from '../../src/protocol/command.ts';
import { guardText, UNREACHABLE } from '../../src/protocol/error-texts.ts';
import { Guard, GUARD_RULES } from '../../src/protocol/guard.ts';
import { clientSettings } from '../../src/settings.ts';
import type { ConfigSource } from '../../src/reloads.ts';
import { systemSurroundings } from '../../src/surroundings.ts';
import { configFor, type Overrides } from '../support/bouncer.ts';
import { findFaktory, RealFaktory } from '../support/real-faktory.ts';
import { askRedis } from '../support/redis.ts';
import { until } from '../support/waiting.ts';
import { Caller } from './caller.ts';
import { bytesFor, comparable, type Conversation, conversations, TAG } from './conversation.ts';

export interface ConversationRun {
  readonly conversations: number;
  /** Sent through all fronts together. */
  readonly commands: number;
  /** Why nothing ran; null where it did. */
  readonly missing: string | null;
  readonly failure: { readonly conversation: string; readonly text: string } | null;
}

const FRONTS: Readonly<Record<string, Overrides>> = {
  session: { mode: 'session' },
  pooled: { mode: 'pooled', 'pool.bulk_push': true },
  'pooled without bulk_push': { mode: 'pooled', 'pool.bulk_push': false },
};
/**
 * INFO can crash Faktory while somebody pushes to a new queue (docs/modes.md). A bouncer keeps its own INFO
 * away from the pushes of its own clients, but not from those of the others here.
 */
const COMMON: Overrides = { 'server.info_interval': '0s' };
/** Clients that talk to a bouncer at a time, so that pushes meet. */
const AT_A_TIME = 8;
/** Nothing is read again. */
const NO_RELOAD: ConfigSource = {
  load: async () => ({ problems: [], warnings: [] }),
  filesOf: () => [],
};

const GUARD_REPLIES = new Set(
  GUARD_RULES.filter((rule) => rule !== 'command_too_long').map((rule) =>
    guardText(rule).toString(),
  ),
);

interface Front {
  readonly name: string;
  readonly port: number;
  readonly guard: Guard | null;
}

interface Heard {
  readonly replies: readonly string[];
  readonly stored: string;
}

/** Has the conversations until `isOver`, or the `given` ones once. */
export async function fuzzConversations(
  seed: number,
  isOver: () => boolean,
  given: readonly Conversation[] | null = null,
): Promise<ConversationRun> {
  const found = findFaktory();
  if ('missing' in found)
    return { conversations: 0, commands: 0, missing: found.missing, failure: null };
  const faktory = await RealFaktory.start();
  const bouncers: Bouncer[] = [];
  try {
    const fronts: Front[] = [];
    for (const [name, overrides] of Object.entries(FRONTS)) {
      const config = configFor({
        port: faktory.port,
        overrides: { ...COMMON, ...overrides },
      });
      const bouncer = new Bouncer(config, systemSurroundings(createLog('silent'), NO_RELOAD));
      bouncers.push(bouncer);
      const { listen } = await bouncer.start();
      await until(() => bouncer.snapshot().faktory.up, { what: 'Faktory to be up' });
      fronts.push({ name, port: listen.port, guard: clientSettings(config).guard });
    }
    return await new Comparison(faktory, fronts).run(seed, isOver, given);
  } finally {
    for (const bouncer of bouncers) await bouncer.drain('fuzz');
    await faktory.stop();
  }
}

class Comparison {
  readonly #faktory: RealFaktory;
  readonly #fronts: readonly Front[];
  #tags = 0;
  #had = 0;
  #commands = 0;

  constructor(faktory: RealFaktory, fronts: readonly Front[]) {
    this.#faktory = faktory;
    this.#fronts = fronts;
  }

  async run(
    seed: number,
    isOver: () => boolean,
    given: readonly Conversation[] | null,
  ): Promise<ConversationRun> {
    for (let round = 0; given === null ? !isOver() : round === 0; round += 1) {
      const batch = given ?? fc.sample(conversations, { seed: seed + round, numRuns: AT_A_TIME });
      const failure = await this.#failureOf(batch);
      if (failure !== null) return this.#result(failure);
    }
    return this.#result(null);
  }

  /** A difference, or that Faktory has died, which looks like one to whoever reads its last replies. */
  async #failureOf(batch: readonly Conversation[]): Promise<ConversationRun['failure']> {
    const compared = this.#compare(batch);
    const failure = await compared.catch(() => null);
    const cause = await this.#faktory.causeOfDeath();
    if (cause === null) return compared;
    return {
      conversation: failure?.conversation ?? JSON.stringify(batch),
      text: `Faktory has died: ${cause}`,
    };
  }

  #result(failure: ConversationRun['failure']): ConversationRun {
    return { conversations: this.#had, commands: this.#commands, missing: null, failure };
  }

  async #compare(batch: readonly Conversation[]): Promise<ConversationRun['failure']> {
    for (const front of this.#fronts) {
      const heard = await Promise.all(batch.map((one) => this.#have(one, front)));
      for (const [i, conversation] of batch.entries()) {
        // What the guard answers is not sent to Faktory directly: it might not survive it.
        const answers = heard[i]?.replies ?? [];
        const passed = conversation.filter((_, n) => !GUARD_REPLIES.has(answers[n] ?? ''));
        const direct = await this.#have(passed, {
          name: 'direct',
          port: this.#faktory.port,
          guard: null,
        });
        const text = this.#difference(conversation, heard[i], direct, front);
        if (text !== null) return { conversation: JSON.stringify(conversation), text };
        this.#had += 1;
      }
    }
    return null;
  }

  async #have(conversation: Conversation, front: Front): Promise<Heard> {
    this.#tags += 1;
    const tag = `Z_${this.#tags.toString(36).padStart(TAG.length - 4, '0')}_Z`;
    const caller = await Caller.connect(front.port);
    const lines = bytesFor(conversation, tag);
    caller.send(Buffer.concat(lines));
    const replies: string[] = [];
    for (const _ of lines) replies.push(comparable(await caller.reply(), tag));
    caller.close();
    this.#commands += lines.length;
    return { replies, stored: await this.#storedFor(tag) };
  }

  /** The jobs in the queues that the conversation may name, and its scheduled ones. */
  async #storedFor(tag: string): Promise<string> {
    const path = this.#faktory.redisSocket;
    const texts: string[] = [];
    const script = `local found = {}
      for _, q in ipairs({'q'..ARGV[1], 'p'..ARGV[1], 'default', 'a'}) do
        for _, job in ipairs(redis.call('lrange', q, 0, -1)) do
          if string.find(job, ARGV[1], 1, true) then table.insert(found, q..' '..job) end
        end
      end
      for _, job in ipairs(redis.call('zrange', 'scheduled', 0, -1)) do
        if string.find(job, ARGV[1], 1, true) then table.insert(found, 'scheduled '..job) end
      end
      return table.concat(found, '\\n')`;
    const reply = await askRedis(path, 'EVAL', script, '0', tag);
    if (reply.kind === 'bulk') texts.push(reply.text ?? '');
    else throw new Error(`Cannot read the jobs: ${JSON.stringify(reply)}`);
    // The order of two pushes through several connections of Faktory is their replies' order only.
    return comparable(texts.join('\n'), tag);
  }

  #difference(
    conversation: Conversation,
    heard: Heard | undefined,
    direct: Heard,
    front: Front,
  ): string | null {
    if (heard === undefined) return 'nothing was heard';
    let next = 0;
    for (const [i, line] of conversation.entries()) {
      const reply = heard.replies[i] ?? '';
      const isAnswered = GUARD_REPLIES.has(reply);
      if (isAnswered !== isBlocked(front, line))
        return `${front.name}: the guard and ${line}: ${reply}`;
      if (isAnswered) continue;
      const wanted = direct.replies[next] ?? '';
      next += 1;
      if (reply === wanted || reply === UNREACHABLE.toString()) continue;
      return `${front.name}: ${JSON.stringify(line)}: found ${JSON.stringify(reply)}, wanted ${JSON.stringify(wanted)}`;
    }
    if (heard.stored === direct.stored) return null;
    return `${front.name}: stored ${JSON.stringify(heard.stored)}, wanted ${JSON.stringify(direct.stored)}`;
  }
}

function isBlocked({ guard }: Front, text: string): boolean {
  const line = Buffer.from(`${text.replaceAll(TAG, 'Z_0000_Z')}\n`, 'latin1');
  return guard?.rules[verbOf(line)].some((rule) => rule.isBroken(line)) ?? false;
}
