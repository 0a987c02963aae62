// The script of the shared limit on a real Redis, beside the model that the simulations play.

import { isDeepStrictEqual } from 'node:util';
import t from 'tap';
import { flat, parseReply } from '../../src/redis/lease-client.ts';
import { LEASE_SCRIPT } from '../../src/redis/lease-script.ts';
import type { LeaseRequest } from '../../src/sharing/lease.ts';
import { replyText } from '../support/reply.ts';
import { Dice } from '../model/support/dice.ts';
import { lend, type Stored } from '../../src/sharing/lend.ts';
import { askRedis, redisIsMissing, RedisServer, temporarySocket } from '../support/redis.ts';

const CALLS = Number(process.env['LEASE_CALLS'] ?? 1500);
const EXPIRY_MS = 1000;
const KEY = '{test}:limit';

t.test('the script and its model agree', { skip: redisIsMissing, timeout: 600_000 }, async (t) => {
  const path = temporarySocket(t);
  await RedisServer.start(t, path);
  const dice = new Dice(15);
  let before: Stored | null = null;
  const seen = { lost: 0, out: 0, sample: 0, unknown: 0, stale: 0, left: 0, full: 0 };
  for (let call = 0; call < CALLS; call += 1) {
    before = moved(before, dice);
    if (before === null) await askRedis(path, 'DEL', KEY);
    else await askRedis(path, 'SET', KEY, JSON.stringify(before));
    const request = randomRequest(before, dice);
    const text = replyText(await askRedis(path, 'EVAL', LEASE_SCRIPT, '1', KEY, flat(request)));
    const stored = JSON.parse(replyText(await askRedis(path, 'GET', KEY)) ?? '') as Stored;
    const told = parseReply(text);
    const model = lend(before, request, stored.at, stored.run);
    const found = { reply: told, stored };
    if (!isDeepStrictEqual(found, { reply: model.reply, stored: model.stored })) {
      t.strictSame(found, model, `call ${call}`, { before, request, text });
      return;
    }
    if (stored.lost !== undefined) seen.lost += 1;
    if (Object.keys(stored.out).length > 0) seen.out += 1;
    if (stored.round.phase === 'sample') seen.sample += 1;
    if (told?.kind === 'held' && told.house.free < 0) seen.full += 1;
    if (told !== null && told.kind !== 'held') seen[told.kind] += 1;
    before = stored;
  }
  for (const [what, times] of Object.entries(seen)) t.ok(times > 0, `${what} was seen`);
});

/** Time passes, and now and then the data are gone, or of another run. */
function moved(stored: Stored | null, dice: Dice): Stored | null {
  if (stored === null || dice.chance(0.005)) return null;
  const run = dice.chance(0.003) ? 'another' : stored.run;
  return { ...stored, run, now: stored.now + dice.upTo(dice.either(0.1, EXPIRY_MS, 60)) };
}

function randomRequest(stored: Stored | null, dice: Dice): LeaseRequest {
  const known = Object.keys(stored?.live ?? {});
  const gone = Object.keys(stored?.out ?? {});
  const id = dice.chance(0.8) && known.length > 0 ? (dice.pick(known) ?? '') : `h${dice.upTo(8)}`;
  const h = stored?.live[id];
  const number = stored?.round.number ?? 0;
  const places = h?.places ?? 0;
  const used = dice.upTo(places + 3);
  return {
    kind: dice.chance(0.02) ? 'leave' : 'hold',
    id,
    seq: (h?.seq ?? 0) + dice.either(0.03, -1, 1),
    register: h === undefined && dice.chance(0.8),
    replaces: dice.chance(0.3) ? (dice.pick([...gone, ...known]) ?? '') : '',
    terms: { limit: 60 + dice.either(0.1, 5, 0), replicas: 4, guaranteed: 3 },
    expiryMs: EXPIRY_MS,
    used,
    claim: used + dice.upTo(5),
    need: used + dice.upTo(20),
    want: dice.upTo(30),
    armed: dice.either(0.2, 0, number),
    report: dice.chance(0.6)
      ? { round: number, least: dice.upTo(places + 2), count: dice.either(0.1, -1, dice.upTo(70)) }
      : null,
  };
}
