-- Removes keys of a partition while a rebuild holds it: a rebuild that was overtaken removes nothing any more.
--
-- KEYS  meta, then what goes. ARGV token. Answers 1, or 0 when the token does not hold.

if redis.call('HGET', KEYS[1], 'seq') ~= ARGV[1] then
  return 0
end
for index = 2, #KEYS do
  redis.call('UNLINK', KEYS[index])
end
return 1
