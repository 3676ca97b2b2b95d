-- Removes a transaction that finished before a time. 1: done; 0: it stays (unfinished, younger, or damaged);
-- 2: there was nothing but entries in the indexes.
-- KEYS: record, branches, finished, listing. ARGV: gid, before.
local found = redis.call('HMGET', KEYS[1], 'status', 'due', 'state')
local status, due, state = found[1], found[2], found[3]
local result = 1
if not (status and due and state) then
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    result = 2
else
    local at = redis.call('ZSCORE', KEYS[3], ARGV[1])
    if not at or tonumber(at) >= tonumber(ARGV[2]) or due ~= '' then return 0 end
    if (status ~= 'succeed' and status ~= 'failed') or not framed(state, status) then return 0 end
end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[2])
return result
