-- Replaces the state. 1: done; 0: there is no such transaction; else what was found instead of what is expected, and
-- whether its state is one that may be replaced.
-- KEYS: record, due of nobody, due of the expected owner, due of the new holder, holders.
-- ARGV: now, gid, old status, old owner, old holder if held, registered, status, due or nothing, finished or nothing,
-- owner, holder, state.
local found = redis.call('HMGET', KEYS[1], 'status', 'owner', 'holder', 'due', 'registered', 'state')
local status, owner, holder, due, registered, state = found[1], found[2], found[3], found[4], found[5], found[6]
if not (status and owner and holder and due and registered and state) then
    if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
    return { status, owner, holder, due, registered, 0 }
end
local sound = framed(state, status) and (holder == '' or owner ~= ARGV[4] or holder == ARGV[5])
if not sound or due == '' or status ~= ARGV[3] or owner ~= ARGV[4] or registered ~= ARGV[6] then
    return { status, owner, holder, due, registered, sound and 1 or 0 }
end
local old = holder == '' and KEYS[2] or KEYS[3]
if ARGV[8] == '' then
    redis.call('ZREM', old, ARGV[2])
    redis.call('HSET', KEYS[1], 'status', ARGV[7], 'due', '', 'owner', ARGV[10], 'holder', ARGV[11],
        'finished', ARGV[9] ~= '' and ARGV[9] or clock(ARGV[1]), 'state', ARGV[12])
else
    redis.call('ZADD', KEYS[4], ARGV[8], ARGV[2])
    if ARGV[11] ~= '' and ARGV[11] ~= holder then redis.call('SADD', KEYS[5], ARGV[11]) end
    redis.call('HSET', KEYS[1], 'status', ARGV[7], 'due', ARGV[8], 'owner', ARGV[10], 'holder', ARGV[11],
        'state', ARGV[12])
    if old ~= KEYS[4] then redis.call('ZREM', old, ARGV[2]) end
end
return 1
