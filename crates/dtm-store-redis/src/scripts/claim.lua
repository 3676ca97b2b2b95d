-- Gives a transaction to another owner if it is exactly as the claimer has read it. 1: done; 0: it is not.
-- KEYS: record, due of the old holder, due of the new holder, holders.
-- ARGV: gid, old head, state, due, new head, new holder.
local found = redis.call('HMGET', KEYS[1], 'head', 'state')
if found[1] ~= ARGV[2] or found[2] ~= ARGV[3] then return 0 end
-- What a full Redis refuses comes first, and what would leave the transaction in no index comes last.
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[6])
redis.call('HSET', KEYS[1], 'head', ARGV[5])
if KEYS[2] ~= KEYS[3] then redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1
