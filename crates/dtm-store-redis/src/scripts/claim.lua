-- Gives a transaction to another owner if it is exactly as the claimer has read it. 1: done; 0: it is not.
-- KEYS: record, due of the old holder, due of the new holder, holders.
-- ARGV: gid, old owner, old holder, old due, registered, state, owner, holder.
local found = redis.call('HMGET', KEYS[1], 'owner', 'holder', 'due', 'registered', 'state')
for index = 1, 5 do
    if found[index] ~= ARGV[index + 1] then return 0 end
end
-- What a full Redis refuses comes first, and what would leave the transaction in no index comes last.
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[1])
redis.call('SADD', KEYS[4], ARGV[8])
redis.call('HSET', KEYS[1], 'owner', ARGV[7], 'holder', ARGV[8])
if KEYS[2] ~= KEYS[3] then redis.call('ZREM', KEYS[2], ARGV[1]) end
return 1
