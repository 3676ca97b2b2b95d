-- Takes an entry out of an index of due times to which its record does not belong, or moves it to the record's due
-- time. What others are changing at this moment always fits, so this changes nothing unless something was damaged.
-- KEYS: record, due of the holder. ARGV: gid, holder.
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score then return 0 end
local front, status, holder, due = parts(redis.call('HGET', KEYS[1], 'head'))
if not front and redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
if not front or holder ~= ARGV[2] or ended(status) then
    redis.call('ZREM', KEYS[2], ARGV[1])
    return 1
end
if tonumber(score) ~= tonumber(due) then
    redis.call('ZADD', KEYS[2], due, ARGV[1])
    return 1
end
return 0
