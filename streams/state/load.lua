-- Reads addresses of one partition together with where the partition stands, as of one moment.
--
-- KEYS  meta, then hashes. Answers {seq, cluster id, items of the first, items of the second, …}; items are a flat list.

local found = redis.call('HMGET', KEYS[1], 'seq', 'cid')
local answer = {found[1], found[2]}
for index = 2, #KEYS do
  answer[index + 1] = redis.call('HGETALL', KEYS[index])
end
return answer
