-- Creates a transaction. 1: done; 0: the gid is taken.
-- KEYS: record, listing, due of its holder, holders.
-- ARGV: now, gid, mode, status, created, due, owner, holder, definition, state.
-- Indexes come first: if Redis refuses one (memory, a key of another type), nothing has been written yet.
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local id
if ARGV[1] ~= '' then
    id = tonumber(ARGV[1]) * 1000
else
    local time = redis.call('TIME')
    id = time[1] * 1000000 + time[2]
end
-- Ids grow, whatever the clock does: listings go by them.
local newest = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
if newest and tonumber(newest) >= id then id = tonumber(newest) + 1 end
redis.call('ZADD', KEYS[2], string.format('%.0f', id), ARGV[2])
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[2])
if ARGV[8] ~= '' then redis.call('SADD', KEYS[4], ARGV[8]) end
redis.call('HSET', KEYS[1], 'mode', ARGV[3], 'status', ARGV[4], 'created', ARGV[5], 'due', ARGV[6], 'owner', ARGV[7],
    'holder', ARGV[8], 'registered', 0, 'definition', ARGV[9], 'state', ARGV[10])
return 1
