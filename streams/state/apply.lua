-- Moves one partition from one standing to the next: values first, the standing last.
--
-- KEYS  meta, then H hashes (addresses), then sorted sets (wakes of a level)
-- ARGV  from, to, changelog offset, cluster id, H, then per key: count of SET arguments, count of removals, the SET
--       arguments (field value … or score member …), the removals
-- `from` and `to` are a seq; `from` empty: the partition is empty. Answers {1, to} applied, {2, to} stands there already,
-- {0, found} stands elsewhere.
--
-- One script is atomic, so a reader sees all of a commit or nothing. Full values, never deltas: applying twice is
-- harmless, also after a script that failed half-way.

local SLICE = 4000 -- Lua's unpack takes some 8000 values

local from, to, offset, cluster = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local hashes = tonumber(ARGV[5])
local found = redis.call('HMGET', KEYS[1], 'seq', 'cid')
local seq, cid = found[1], found[2]

if seq == to and cid == cluster then
  return {2, seq}
end
if from == '' then
  if seq then
    return {0, seq}
  end
elseif seq ~= from or cid ~= cluster then
  return {0, seq or ''}
end

local at = 6
local function slices(command, key, count)
  local last = at + count - 1
  while at <= last do
    local upto = math.min(at + SLICE - 1, last)
    redis.call(command, key, unpack(ARGV, at, upto))
    at = upto + 1
  end
end

for index = 2, #KEYS do
  local sets, removals = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  at = at + 2
  if index - 1 <= hashes then
    slices('HSET', KEYS[index], sets)
    slices('HDEL', KEYS[index], removals)
  else
    slices('ZADD', KEYS[index], sets)
    slices('ZREM', KEYS[index], removals)
  end
end

redis.call('HSET', KEYS[1], 'off', offset, 'cid', cluster, 'seq', to)
return {1, to}
