-- Takes an entry out of an index of due times to which its record does not belong, or moves it to the record's due
-- time. What others are changing at this moment always fits, so this changes nothing unless something was damaged.
-- KEYS: record, due of the holder. ARGV: gid, holder.
local found = redis.call('HMGET', KEYS[1], 'holder', 'due')
local score = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not score then return 0 end
if found[1] ~= ARGV[2] or not found[2] or found[2] == '' then
    if redis.call('EXISTS', KEYS[1]) == 1 and not (found[1] and found[2]) then return 0 end
    redis.call('ZREM', KEYS[2], ARGV[1])
    return 1
end
if tonumber(score) ~= tonumber(found[2]) then
    redis.call('ZADD', KEYS[2], found[2], ARGV[1])
    return 1
end
return 0
