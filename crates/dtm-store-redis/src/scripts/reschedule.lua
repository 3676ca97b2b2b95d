-- Makes a transaction due now and releases it, if that holder still has it and it is due later. 1: done; 0: not so.
-- KEYS: record, due of the holder, due of nobody. ARGV: now, gid, holder, later than.
local found = redis.call('HMGET', KEYS[1], 'head', 'state')
local front, status, holder, due = parts(found[1])
if not front or not found[2] or holder ~= ARGV[3] or ended(status) then return 0 end
if tonumber(due) <= tonumber(ARGV[4]) or not framed(found[2], status) then return 0 end
local now = clock(ARGV[1])
redis.call('ZADD', KEYS[3], now, ARGV[2])
redis.call('HSET', KEYS[1], 'head', front .. ' free ' .. now)
if KEYS[2] ~= KEYS[3] then redis.call('ZREM', KEYS[2], ARGV[2]) end
return 1
