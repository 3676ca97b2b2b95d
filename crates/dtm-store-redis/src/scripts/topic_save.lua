-- Replaces a topic if it is what the caller has read; nothing stands for no topic. 1: done; 0: it is another.
-- KEYS: topics, names. ARGV: name, old text or nothing, text.
local found = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if found ~= ARGV[2] then return 0 end
redis.call('ZADD', KEYS[2], 0, ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
