-- Removes a transaction that finished before a time. 1: done; 0: it stays (unfinished, younger, or damaged).
-- KEYS: record, branches, listing. ARGV: gid, before.
local found = redis.call('HMGET', KEYS[1], 'status', 'due', 'finished', 'state')
local status, due, finished, state = found[1], found[2], found[3], found[4]
if not (status and due and state) then
    -- an entry without a record leads nowhere
    if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[3], ARGV[1]) end
    return 0
end
finished = tonumber(finished)
if due ~= '' or not finished or finished >= tonumber(ARGV[2]) then return 0 end
if (status ~= 'succeed' and status ~= 'failed') or not framed(state, status) then return 0 end
redis.call('ZREM', KEYS[3], ARGV[1])
redis.call('DEL', KEYS[1], KEYS[2])
return 1
