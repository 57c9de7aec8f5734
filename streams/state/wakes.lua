-- Reads the wakes of one level of a partition together with where the partition stands, as of one moment.
--
-- KEYS  meta, sorted set. ARGV  largest due (inclusive), how many at most. Answers {seq, cluster id, {address, due, …}}.

local found = redis.call('HMGET', KEYS[1], 'seq', 'cid')
local wakes = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
return {found[1], found[2], wakes}
