// The script that Redis runs for each request of src/sharing/. Promise: what it lends, together with all
// that may still be open, is never more than the limit; it takes time from Redis alone; a state that
// is gone, or of another run of Redis, lends nothing until every lease before it is over or told again.
//
// The whole state is one JSON text in one key, so that it is lost whole or not at all. `now` in it is a clock
// of its own: it follows TIME, never backwards and never by more than a tenth of the expiry at once. So
// a clock that jumps does not end leases; after a silence leases last a little longer.
//
//   live  leases by id: `places`, until `ends`; `over`: of them, those that a new lease began with though
//         nothing was kept for them. Their connections are counted, and may not be replaced. `used`: the
//         connections that the holder told of last. `least`: the report in the fence's round, -1: none yet
//   out   leases that are over, counted until the fence shows them gone. `keeps`: what their holder may
//         use without Redis; it may be alive until `clear` (no connection of it was seen) is half an
//         expiry ago, then `void` is 1. `round`: the one whose sample is taken after the lease's end
//   lost  what was lent when the state was lost: all there is, until a round has been (`done`). Then it is
//         what Faktory counts beyond the holders, leases that are over and have nothing to keep included
//
// sharing/lend.ts is the same in TypeScript, for the processes of one bouncer and for simulations.

export const LEASE_SCRIPT = `
local request = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local at = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') or ''
local text = redis.call('GET', KEYS[1])
local expiry = request.expiryMs
local step = math.floor(expiry / 10)
local s = text and cjson.decode(text)
if not s or s.run ~= run then
  s = {
    run = run, at = at, now = 0, live = {}, out = {},
    lost = {
      counted = request.limit, ends = expiry, done = 0, early = 0, round = 0, clear = -1, void = 0,
    },
    round = { number = at, phase = 'none', count = -1, next = 0, gap = step },
  }
end
s.now = s.now + math.max(0, math.min(at - s.at, step))
s.at = at

local function answer(reply)
  redis.call('SET', KEYS[1], cjson.encode(s))
  return cjson.encode(reply)
end

for id, h in pairs(s.live) do
  if h.ends <= s.now then
    s.live[id] = nil
    local keeps = math.min(h.places - h.over, math.floor((h.limit - h.replicas) / h.replicas))
    if h.places > 0 then
      s.out[id] = { counted = h.places, keeps = keeps, round = 0, clear = -1, void = 0 }
    end
  end
end
local believed = math.floor(expiry / 2)
local function believe(o)
  if o.clear >= 0 and s.now >= o.clear + believed then o.void = 1 end
end
for _, o in pairs(s.out) do believe(o) end
if s.lost then believe(s.lost) end

local id, used = request.id, request.used
local h = s.live[id]
if request.kind == 'leave' then
  if h and request.seq > h.seq then
    s.live[id] = nil
    if used > 0 then s.out[id] = { counted = used, keeps = 0, round = 0, clear = -1, void = 1 } end
  end
  return answer({ kind = 'left' })
end

if not h then
  if not request.register then return answer({ kind = 'unknown' }) end
  local backed = 0
  if s.lost and s.lost.done == 0 then backed = request.claim end
  for _, old in ipairs({ id, request.replaces }) do
    if s.out[old] then backed = math.max(backed, s.out[old].counted) end
    if s.live[old] then backed = math.max(backed, s.live[old].places) end
    s.out[old] = nil
    s.live[old] = nil
  end
  local kept = math.min(request.claim, backed)
  local places = math.max(used, kept)
  h = { places = places, over = places - kept, armed = 0, least = -1 }
  s.live[id] = h
elseif request.seq < h.seq then
  return answer({ kind = 'stale' })
end
if h.over > 0 then
  -- Of these, the ones that have ended are nobody's.
  local kept = h.places - h.over
  h.places = math.max(used, kept)
  h.over = h.places - kept
end
if request.want < h.places then h.places = math.max(used, request.want) end
if used > h.places then h.places = used end
h.seq = request.seq
h.ends = s.now + expiry
h.limit = request.limit
h.replicas = request.replicas
h.guaranteed = request.guaranteed
h.need = request.need
h.used = used

local holders, limit, replicas, guaranteed = 0, math.huge, 0, 0
for _, one in pairs(s.live) do
  holders = holders + 1
  limit = math.min(limit, one.limit)
  replicas = math.max(replicas, one.replicas)
  guaranteed = math.max(guaranteed, one.guaranteed)
end
local share = math.floor((limit - replicas) / replicas)
local missing = math.max(0, replicas - holders)

local spoken = guaranteed * missing
if s.lost then spoken = spoken + s.lost.counted end
local short, unfair = false, false
for _, one in pairs(s.live) do
  spoken = spoken + math.max(one.places, guaranteed)
  if one ~= h and one.need > one.places then
    short = true
    if one.places < share then unfair = true end
  end
end
for _, o in pairs(s.out) do spoken = spoken + o.counted end

if request.want > h.places then
  local most = request.want
  if short then most = math.min(most, math.max(request.need, h.places)) end
  if unfair then most = math.min(most, math.max(share, h.places)) end
  local own = math.max(h.places, guaranteed)
  local free = limit - replicas - spoken + own - h.places
  if free > 0 then
    local more = math.min(most - h.places, free)
    spoken = spoken + math.max(h.places + more, guaranteed) - own
    h.places = h.places + more
  end
end

h.over = limit - replicas - spoken >= 0 and 0 or math.min(h.over, h.places)

local round, lost = s.round, s.lost

local function conclude(open, missing)
  local changed = false
  local function judge(o, most)
    if most < o.counted then
      o.counted = most
      changed = true
    end
    if open == 0 and o.clear < 0 then
      o.clear = s.now
      changed = true
    end
  end
  -- All who may have been lent something before have told it, or have had the time to.
  local judges = lost and lost.round == round.number and (lost.early == 0 or missing == 0)
  -- What Faktory counts beyond the holders is there once, however many leases are over.
  local rest = 0
  for name, o in pairs(s.out) do
    if o.round == round.number then
      local keeps = o.keeps
      if o.void == 1 or missing == 0 then keeps = 0 end
      judge(o, math.max(open, keeps))
      if keeps == 0 and (judges or not lost) then
        rest = rest + o.counted
        s.out[name] = nil
        changed = true
      end
    end
  end
  if judges then
    local keeps = share * missing
    if lost.void == 1 then keeps = 0 end
    lost.counted = lost.counted + rest
    judge(lost, open + keeps)
    lost.done = 1
    if lost.counted == 0 then s.lost = nil end
  elseif rest > 0 then
    s.lost = {
      counted = math.min(rest, open), ends = 0, done = 1, early = 0,
      round = round.number, clear = -1, void = 1,
    }
  end
  return changed
end

local function play()
  local judges = lost and (s.now >= lost.ends or missing == 0)
  if round.phase == 'none' then
    if not (next(s.out) or judges) or s.now < round.next then return end
    round.number = round.number + 1
    round.phase = 'arm'
    round.count = -1
    for _, one in pairs(s.live) do one.least = -1 end
  end
  if round.phase == 'arm' then
    -- One that begins to watch later may have missed a sample.
    if request.armed == round.number then h.armed = round.number end
    for _, one in pairs(s.live) do
      if one.armed ~= round.number then return end
    end
    round.phase = 'sample'
    for _, o in pairs(s.out) do o.round = round.number end
    if lost then
      lost.round = judges and round.number or 0
      lost.early = s.now < lost.ends and 1 or 0
    end
  end
  if request.reportRound == round.number and h.armed == round.number then
    -- Of these counts the earliest is the sample that all have watched past; the most is no less.
    round.count = math.max(round.count, request.reportCount)
    h.least = request.reportLeast
  end
  local explained, members = 0, 0
  for _, one in pairs(s.live) do
    if one.armed == round.number then
      if one.least < 0 then return end
      explained = explained + one.least
      members = members + 1
    end
  end
  local open = math.max(0, round.count - explained)
  local changed = round.count >= 0 and conclude(open, math.max(0, replicas - members))
  round.phase = 'none'
  -- Without a count, or with a change, the next is soon; what stays, such as a client that comes past the
  -- bouncers, is looked at five times in an expiry: between connections that come and go, one look in
  -- many finds all of them accounted for.
  if changed or round.count < 0 then round.gap = step
  else round.gap = math.min(expiry / 5, round.gap * 2) end
  round.next = s.now + round.gap
end
play()

local leased, open, outside = 0, 0, 0
if s.lost then outside = s.lost.counted end
for _, one in pairs(s.live) do
  leased = leased + one.places
  open = open + (one.used or one.places)
end
for _, o in pairs(s.out) do outside = outside + o.counted end
local waits = 'nothing'
if unfair then waits = 'share' elseif short then waits = 'idle' end
return answer({
  kind = 'held', places = h.places - h.over, othersWait = waits,
  round = round.number, phase = round.phase,
  holders = holders, leased = leased, used = open, outside = outside, free = limit - replicas - spoken,
})
`;
