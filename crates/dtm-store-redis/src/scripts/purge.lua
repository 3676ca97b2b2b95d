-- Removes a transaction that finished before a time. 1: done; 0: it stays (unfinished, younger, or damaged); 2: there was
-- only an entry of it, which is gone.
-- KEYS: record, branches, listing. ARGV: gid, before.
local found = redis.call('HMGET', KEYS[1], 'head', 'state')
local front, status, _, finished = parts(found[1])
if not front or not found[2] then
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    -- an entry without a record leads nowhere, and its branches belong to nothing
    redis.call('ZREM', KEYS[3], ARGV[1])
    redis.call('DEL', KEYS[2])
    return 2
end
if not ended(status) or tonumber(finished) >= tonumber(ARGV[2]) or not framed(found[2], status) then return 0 end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[2])
return 1
