// What a lender does with a request, for the processes of one bouncer: redis/lease-script.ts explains the state.
// Promise: for the same stored state, time and request it stores and answers the same as that script, which
// a test compares on a real Redis; the simulations play this file. Pure.

import type { FencePhase, LeaseReply, LeaseRequest } from './lease.ts';

interface Live {
  places: number;
  over: number;
  ends: number;
  seq: number;
  limit: number;
  replicas: number;
  guaranteed: number;
  need: number;
  used: number;
  armed: number;
  least: number;
}

interface Out {
  counted: number;
  keeps: number;
  round: number;
  clear: number;
  void: number;
}

interface Lost {
  counted: number;
  ends: number;
  done: number;
  early: number;
  round: number;
  clear: number;
  void: number;
}

/** All that a lender knows, as the script stores it. */
export interface Stored {
  run: string;
  at: number;
  now: number;
  live: Record<string, Live>;
  out: Record<string, Out>;
  lost?: Lost;
  round: { number: number; phase: FencePhase; count: number; next: number; gap: number };
}

/**
 * What one request comes to. `at`: the lender's time in milliseconds, Redis's TIME there; `run`: which life of
 * the lender it is, Redis's run id there. `before` null: nothing is known of what was lent.
 */
export function lend(
  before: Stored | null,
  request: LeaseRequest,
  at: number,
  run: string,
): { readonly stored: Stored; readonly reply: LeaseReply } {
  const { terms, expiryMs } = request;
  const step = Math.floor(expiryMs / 10);
  const s: Stored =
    before === null || before.run !== run
      ? {
          run,
          at,
          now: 0,
          live: {},
          out: {},
          lost: {
            counted: terms.limit,
            ends: expiryMs,
            done: 0,
            early: 0,
            round: 0,
            clear: -1,
            void: 0,
          },
          round: { number: at, phase: 'none', count: -1, next: 0, gap: step },
        }
      : copyOf(before);
  s.now += Math.max(0, Math.min(at - s.at, step));
  s.at = at;

  // Leases whose time is over.
  for (const [id, h] of Object.entries(s.live)) {
    if (h.ends > s.now) continue;
    delete s.live[id];
    const keeps = Math.min(h.places - h.over, Math.floor((h.limit - h.replicas) / h.replicas));
    if (h.places > 0) s.out[id] = { counted: h.places, keeps, round: 0, clear: -1, void: 0 };
  }
  const believed = Math.floor(expiryMs / 2);
  for (const o of [...Object.values(s.out), ...(s.lost === undefined ? [] : [s.lost])]) {
    if (o.clear >= 0 && s.now >= o.clear + believed) o.void = 1;
  }

  const { id, replaces, seq, used } = request;
  let h = s.live[id];
  if (request.kind === 'leave') {
    if (h !== undefined && seq > h.seq) {
      delete s.live[id];
      if (used > 0) s.out[id] = { counted: used, keeps: 0, round: 0, clear: -1, void: 1 };
    }
    return { stored: s, reply: { kind: 'left' } };
  }

  if (h === undefined) {
    if (!request.register) return { stored: s, reply: { kind: 'unknown' } };
    let backed = s.lost !== undefined && s.lost.done === 0 ? request.claim : 0;
    for (const old of new Set([id, replaces])) {
      backed = Math.max(backed, s.out[old]?.counted ?? 0, s.live[old]?.places ?? 0);
      delete s.out[old];
      delete s.live[old];
    }
    const kept = Math.min(request.claim, backed);
    const places = Math.max(used, kept);
    h = {
      places,
      over: places - kept,
      ends: 0,
      seq,
      limit: 0,
      replicas: 0,
      guaranteed: 0,
      need: 0,
      used: 0,
      armed: 0,
      least: -1,
    };
    s.live[id] = h;
  } else if (seq < h.seq) {
    return { stored: s, reply: { kind: 'stale' } };
  }
  if (h.over > 0) {
    // Of these, the ones that have ended are nobody's.
    const kept = h.places - h.over;
    h.places = Math.max(used, kept);
    h.over = h.places - kept;
  }
  if (request.want < h.places) h.places = Math.max(used, request.want);
  if (used > h.places) h.places = used;
  h.seq = seq;
  h.ends = s.now + expiryMs;
  h.limit = terms.limit;
  h.replicas = terms.replicas;
  h.guaranteed = terms.guaranteed;
  h.need = request.need;
  h.used = used;

  // The most careful of what the bouncers say.
  const live = Object.values(s.live);
  const holders = live.length;
  const limit = Math.min(...live.map((one) => one.limit));
  const replicas = Math.max(...live.map((one) => one.replicas));
  const guaranteed = Math.max(...live.map((one) => one.guaranteed));
  const share = Math.floor((limit - replicas) / replicas);
  const missing = Math.max(0, replicas - holders);

  let spoken = guaranteed * missing + (s.lost?.counted ?? 0);
  for (const one of live) spoken += Math.max(one.places, guaranteed);
  for (const o of Object.values(s.out)) spoken += o.counted;
  const isShort = live.some((one) => one !== h && one.need > one.places);
  const isUnfair = live.some((one) => one !== h && one.need > one.places && one.places < share);

  if (request.want > h.places) {
    let most = request.want;
    if (isShort) most = Math.min(most, Math.max(request.need, h.places));
    if (isUnfair) most = Math.min(most, Math.max(share, h.places));
    const free = limit - replicas - spoken + Math.max(h.places, guaranteed) - h.places;
    if (free > 0) {
      const more = Math.min(most - h.places, free);
      spoken += Math.max(h.places + more, guaranteed) - Math.max(h.places, guaranteed);
      h.places += more;
    }
  }

  h.over = limit - replicas - spoken >= 0 ? 0 : Math.min(h.over, h.places);
  playRound(s, request, { replicas, share, missing, step });

  let leased = 0;
  let open = 0;
  let outside = s.lost?.counted ?? 0;
  for (const one of Object.values(s.live)) {
    leased += one.places;
    open += one.used;
  }
  for (const o of Object.values(s.out)) outside += o.counted;
  return {
    stored: s,
    reply: {
      kind: 'held',
      places: h.places - h.over,
      othersWait: isUnfair ? 'share' : isShort ? 'idle' : 'nothing',
      round: s.round.number,
      phase: s.round.phase,
      house: { holders, leased, used: open, outside, free: limit - replicas - spoken },
    },
  };
}

function playRound(
  s: Stored,
  request: LeaseRequest,
  all: { replicas: number; share: number; missing: number; step: number },
): void {
  const { round, lost } = s;
  const h = s.live[request.id];
  if (h === undefined) return;
  const live = Object.values(s.live);
  const mayJudgeLost = lost !== undefined && (s.now >= lost.ends || all.missing === 0);
  if (round.phase === 'none') {
    const isDue = Object.keys(s.out).length > 0 || mayJudgeLost;
    if (!isDue || s.now < round.next) return;
    round.number += 1;
    round.phase = 'arm';
    round.count = -1;
    for (const one of live) one.least = -1;
  }
  if (round.phase === 'arm') {
    // One that begins to watch later may have missed a sample.
    if (request.armed === round.number) h.armed = round.number;
    if (!live.every((one) => one.armed === round.number)) return;
    round.phase = 'sample';
    for (const o of Object.values(s.out)) o.round = round.number;
    if (lost !== undefined) {
      lost.round = mayJudgeLost ? round.number : 0;
      lost.early = s.now < lost.ends ? 1 : 0;
    }
  }
  const { report } = request;
  if (report !== null && report.round === round.number && h.armed === round.number) {
    round.count = Math.max(round.count, report.count);
    h.least = report.least;
  }
  let explained = 0;
  let members = 0;
  for (const one of live) {
    if (one.armed !== round.number) continue;
    if (one.least < 0) return;
    explained += one.least;
    members += 1;
  }
  const open = Math.max(0, round.count - explained);
  const missing = Math.max(0, all.replicas - members);
  const hasChanged = round.count >= 0 && conclude(s, open, { share: all.share, missing });
  round.phase = 'none';
  // Without a count, or with a change, the next is soon; what stays, such as a client that comes past the
  // bouncers, is looked at five times in an expiry: between connections that come and go, one look in
  // many finds all of them accounted for.
  const isSoon = hasChanged || round.count < 0;
  round.gap = isSoon ? all.step : Math.min(request.expiryMs / 5, round.gap * 2);
  round.next = s.now + round.gap;
}

/** Faktory has `open` connections that no holder accounts for. True if that tells anything new. */
function conclude(
  s: Stored,
  open: number,
  { share, missing }: { share: number; missing: number },
): boolean {
  let hasChanged = false;
  const judge = (o: Out | Lost, most: number): void => {
    if (most < o.counted) {
      o.counted = most;
      hasChanged = true;
    }
    if (open === 0 && o.clear < 0) {
      o.clear = s.now;
      hasChanged = true;
    }
  };
  const { lost } = s;
  // All who may have been lent something before have told it, or have had the time to.
  const judgesLost =
    lost !== undefined && lost.round === s.round.number && (lost.early === 0 || missing === 0);
  // What Faktory counts beyond the holders is there once, however many leases are over.
  let rest = 0;
  for (const [id, o] of Object.entries(s.out)) {
    if (o.round !== s.round.number) continue;
    const keeps = o.void === 1 || missing === 0 ? 0 : o.keeps;
    judge(o, Math.max(open, keeps));
    if (keeps > 0 || (lost !== undefined && !judgesLost)) continue;
    rest += o.counted;
    delete s.out[id];
    hasChanged = true;
  }
  if (judgesLost) {
    lost.counted += rest;
    judge(lost, open + (lost.void === 1 || missing === 0 ? 0 : share * missing));
    lost.done = 1;
    if (lost.counted === 0) delete s.lost;
  } else if (rest > 0) {
    const counted = Math.min(rest, open);
    const { number } = s.round;
    s.lost = { counted, ends: 0, done: 1, early: 0, round: number, clear: -1, void: 1 };
  }
  return hasChanged;
}

/** Ten times as fast as structuredClone(). */
function copyOf({ live, out, lost, round, ...rest }: Stored): Stored {
  const copy: Stored = { ...rest, live: {}, out: {}, round: { ...round } };
  for (const [id, h] of Object.entries(live)) copy.live[id] = { ...h };
  for (const [id, o] of Object.entries(out)) copy.out[id] = { ...o };
  if (lost !== undefined) copy.lost = { ...lost };
  return copy;
}
